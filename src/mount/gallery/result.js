/* Results, and cards that show those of a task. */

const player = make('audio');

function kindOf(result) {
	const kind = result.type.split('/')[0];
	if (result.text !== undefined) return 'text';
	if (kind === 'audio') return player.canPlayType(result.type) ? kind : 'file';
	return kind === 'image' || kind === 'video' ? kind : 'file';
}

function sign(mark, text) {
	return make('span', {class: 'sign'}, make('b', {}, mark), text);
}

/* Films and sound hold on to much, and a browser has only so many of them: they are loaded
 * when they come near, and let go when they are far. */
const near = new IntersectionObserver((entries) => {
	for (const {target, isIntersecting} of entries) {
		if (isIntersecting && !target.src) {
			target.src = target.address;
		} else if (!isIntersecting && target.src && target.paused) {
			target.removeAttribute('src');
			target.load();
		}
	}
}, {rootMargin: '500px'});

function film(result, attributes) {
	const element = make('video', {preload: 'metadata', playsinline: '', ...attributes});
	element.address = `${result.file}#t=0.1`; // the first frame is often black
	element.muted = !('controls' in attributes);
	element.addEventListener('error', () => element.src && element.replaceWith(sign('▷', result.name)));
	near.observe(element);
	return element;
}

function sound(result) {
	const element = make('audio', {controls: '', preload: 'metadata', title: result.name});
	element.address = result.file;
	near.observe(element);
	return element;
}

function picture(result, attributes) {
	const element = make('img', {src: result.file, alt: result.name, decoding: 'async', ...attributes});
	element.addEventListener('error', () => element.replaceWith(sign('▧', result.name)));
	return element;
}

/* What stands where a task has neither pictures nor films. */
function inWords(task, kinds) {
	const text = kinds.find(([kind]) => kind === 'text');
	if (task.state !== 'done') return make('span', {class: 'excerpt'}, task.error || task.state);
	if (text) return make('span', {class: 'excerpt'}, text[1].text);
	if (!kinds.length) return sign('–', 'removed');
	return kinds[0][0] === 'audio' ? sign('♪', '') : sign('□', kinds[0][1].name);
}

function thumb(task) {
	const kinds = task.results.map((result) => [kindOf(result), result]);
	const seen = kinds.filter(([kind]) => kind === 'image' || kind === 'video');
	const total = seen.length + (seen.length ? task.more : 0);
	const link = make('a', {
		class: `thumb ${total > 2 ? 'many' : total === 2 ? 'two' : ''}`,
		href: (task.results[0] && (task.results[0].named || task.results[0].file)) || `tasks/all/${task.task}/`,
		'aria-label': `Task ${task.task}: ${task.prompt || task.name}`,
	});
	for (const [kind, result] of seen.slice(0, 4))
		link.append(kind === 'image' ? picture(result, {loading: 'lazy'}) : film(result, {tabindex: '-1'}));
	if (!seen.length) link.append(inWords(task, kinds));
	const badge = total > 4 ? `${total}` : seen.some(([kind]) => kind === 'video') ? '▶' : '';
	if (badge) link.append(make('span', {class: 'badge'}, badge));
	link.addEventListener('click', (event) => {
		if (event.ctrlKey || event.metaKey || event.shiftKey) return;
		event.preventDefault();
		view(task.task);
	});
	return link;
}

function makeCard(task) {
	const sounds = task.results.filter((result) => kindOf(result) === 'audio').slice(0, 2);
	return make('li', {class: `card ${task.state === 'done' ? '' : 'failed'}`, id: `task-${task.task}`},
		make('div', {class: 'media'}, thumb(task), ...sounds.map(sound)),
		make('div', {class: 'words'},
			make('p', {class: 'prompt', title: task.prompt}, task.prompt || task.name),
			make('p', {class: 'meta'}, make('span', {title: task.model}, task.model),
				task.state === 'done' ? null : make('span', {class: 'state'}, task.state)),
			make('p', {class: 'meta'},
				make('time', {datetime: new Date(task.created).toISOString(), title: moment.format(task.created)},
					clock.format(task.created)),
				make('span', {class: 'price'}, priceOf(task)))));
}
