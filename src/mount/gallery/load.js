/*
 * Loading. A page that was opened as a file may read no other file, but run scripts that lie
 * beside it: those of .kiefs/gallery call the functions of `gallery`.
 */

const REFRESH_MS = 2500; // while something is under way
const IDLE_MS = 15000;

const STALE_PAGES = 5; // loaded again at a time

let now = null; // what is under way
let told = null; // what now.js has said
let asked = 0;

const gallery = {
	now: (state) => { told = state; },
	page: (number, tasks) => pages.set(number, tasks),
	spend: (spend) => {
		showSpend(spend);
		showModels(spend.models);
	},
};

function load(name) {
	return new Promise((done) => {
		const script = make('script', {src: `.kiefs/gallery/${name}.js?${++asked}`});
		script.onload = script.onerror = () => {
			script.remove();
			done();
		};
		document.head.append(script);
	});
}

/* The pages that may have changed since `before`: new ones, those of tasks that were under way, and
 * of others that are not known to have ended, of which there may be more than are told. */
function stalePages(before) {
	const live = new Set([...now.active, ...now.held].map((task) => task.task));
	const stale = new Set([...before.active, ...before.held].filter((task) => !live.has(task.task))
		.map((task) => Math.ceil(task.task / now.page_tasks)));
	if (now.ended_count !== before.ended_count)
		[...pages.keys()].sort((a, b) => a - b)
			.filter((page) => pages.get(page).some((task) => !FINAL.includes(task.state)))
			.slice(0, STALE_PAGES).forEach((page) => stale.add(page));
	if (now.latest > before.latest)
		for (let page = Math.max(1, before.pages); page <= now.pages; page++) stale.add(page);
	return [...stale].filter((page) => pages.has(page) || page > place.page);
}

async function follow(before) {
	const stale = stalePages(before);
	for (const page of stale) {
		await load(page);
		merge(pages.get(page) || []);
	}
	if (stale.length || now.ended_count !== before.ended_count) await load('spend');
}

async function refresh() {
	const before = now;
	told = null;
	await load('now');
	at('trouble').hidden = told !== null;
	if (!told) {
		at('trouble').textContent = 'The tasks cannot be read. Is the mount still there? A web server must serve .kiefs/gallery/ as well. Trying again …';
		return;
	}
	now = told;
	showNow();
	if (before) {
		await follow(before);
		fill();
	} else {
		readFilter(); // a browser fills in what was there before
		await load('spend');
	}
}

let timer = 0;

async function turn() {
	clearTimeout(timer);
	if (!document.hidden) await refresh();
	clearTimeout(timer);
	timer = setTimeout(turn, now && now.active_count ? REFRESH_MS : IDLE_MS);
}

function start() {
	let pause = 0;
	const read = () => now && readFilter();
	at('filter').addEventListener('input', () => {
		clearTimeout(pause);
		pause = setTimeout(read, 150);
	});
	at('filter').addEventListener('submit', (event) => event.preventDefault());
	at('newer').onclick = () => go(-1);
	at('older').onclick = () => go(1);
	at('close').onclick = () => at('view').close();
	at('view').addEventListener('close', () => {
		if (at('view').open) return; // by now another one is shown
		at('stage').replaceChildren();
		cards.get(viewed)?.element.querySelector('.thumb').focus();
	});
	at('view').addEventListener('click', (event) => event.target === at('view') && at('view').close());
	at('view').addEventListener('keydown', (event) => {
		if (event.target.matches('video, audio')) return;
		if (event.key === 'ArrowLeft') go(-1);
		if (event.key === 'ArrowRight') go(1);
	});
	addEventListener('scroll', fill, {passive: true});
	addEventListener('resize', fill);
	document.addEventListener('visibilitychange', () => document.hidden || turn());
	turn();
}

start();
