/*
 * The grid: tasks that have ended, the newest first, by days.
 *
 * They come by pages, the newest page first. Older ones are loaded as somebody scrolls to them, or
 * for a search that has found too little yet, and shown a few at a time.
 */

const FINAL = ['done', 'failed', 'lost'];
const AT_ONCE = 24; // cards between two looks at the screen
const AHEAD_PX = 1500;

const filter = at('filter').elements;
const pages = new Map(); // tasks by the number of their page
const cards = new Map(); // what is shown, by the number of the task
let place = null; // what is to be shown next: page and index in it
let filling = false;

function showCard(task) {
	const day = dayOf(task);
	let section = at(`day-${day}`);
	if (!section) {
		section = make('section', {class: 'date', id: `day-${day}`},
			make('h2', {}, nameOfDay(day)), make('ul', {class: 'grid'}));
		insert(at('results'), section, day);
	}
	const element = makeCard(task);
	insert(section.lastChild, element, task.task);
	cards.set(task.task, {task, element});
}

let wanted = {words: [], model: '', kind: ''};

function fits(task) {
	if (!FINAL.includes(task.state)) return false;
	if (wanted.model && task.model !== wanted.model) return false;
	if (wanted.kind === 'failed' ? task.state === 'done'
		: wanted.kind && !task.results.some((result) => kindOf(result) === wanted.kind)) return false;
	if (!wanted.words.length) return true;
	task.text ??= [task.prompt, task.model, task.name, task.error,
		...task.results.map((result) => result.name)].join('\n').toLowerCase();
	return wanted.words.every((word) => task.text.includes(word));
}

function readFilter() {
	wanted = {
		words: filter.words.value.toLowerCase().split(/\s+/).filter(Boolean),
		model: filter.model.value,
		kind: filter.kind.value,
	};
	near.disconnect();
	at('results').replaceChildren();
	cards.clear();
	place = {page: now.pages, index: 0};
	fill();
}

const isFiltered = () => wanted.words.length > 0 || wanted.model !== '' || wanted.kind !== '';
const isNear = () => at('end').getBoundingClientRect().top < innerHeight + AHEAD_PX;
const frame = () => new Promise((done) => document.hidden ? setTimeout(done) : requestAnimationFrame(done));

/* Shows some more of the tasks at hand. */
function fillSome() {
	const tasks = pages.get(place.page);
	for (let shown = 0; place.index < tasks.length && shown < AT_ONCE; place.index++) {
		const task = tasks[place.index];
		if (!cards.has(task.task) && fits(task)) {
			showCard(task);
			shown++;
		}
	}
	if (place.index === tasks.length)
		place = {page: place.page - 1, index: 0};
}

/* Until there is enough below the window, or no more. */
async function fill() {
	if (filling || !place) return;
	filling = true;
	while (place.page > 0 && isNear()) {
		const page = place.page;
		if (!pages.has(page)) {
			sayEnd(true);
			const some = [];
			for (let n = page; n > 0 && n > page - (isFiltered() ? 4 : 2); n--)
				if (!pages.has(n)) some.push(load(n));
			await Promise.all(some);
			if (!pages.has(page)) break; // the next refresh tries again
			continue;
		}
		fillSome();
		await frame();
	}
	filling = false;
	sayEnd(false);
}

function sayEnd(searching) {
	const left = place.page > 0;
	let text = '';
	if (searching && isFiltered())
		text = `Searching: ${count(place.page * now.page_tasks, 'task', 'tasks')} to go …`;
	else if (searching || left)
		text = 'Older ones follow …';
	else if (!cards.size && isFiltered())
		text = 'Nothing fits.';
	else if (!cards.size && now.latest)
		text = 'No results yet.';
	at('end').textContent = text;
}

/* A page was loaded again: what it has that is new, or different, is shown. */
function merge(tasks) {
	const oldest = [...cards.keys()].reduce((a, b) => Math.min(a, b), Infinity);
	for (const task of tasks) {
		const old = cards.get(task.task);
		const within = place.page < Math.ceil(task.task / now.page_tasks);
		if (old && JSON.stringify({...old.task, text: 0}) !== JSON.stringify({...task, text: 0})) {
			old.element.remove();
			cards.delete(task.task);
			if (fits(task)) showCard(task);
		} else if (!old && fits(task) && (within || task.task > oldest)) {
			showCard(task);
		}
	}
}
