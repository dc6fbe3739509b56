/* One task, large. */

let viewed = 0;

function large(result) {
	const kind = kindOf(result);
	const shown = kind === 'image' ? picture(result, {})
		: kind === 'video' ? film(result, {controls: ''})
			: kind === 'audio' ? sound(result)
				: kind === 'text' ? make('div', {class: 'text'}, result.text) : sign('□', '');
	return make('figure', {}, shown, make('figcaption', {},
		make('a', {href: result.named || result.file, target: '_blank', rel: 'noopener'}, result.name),
		` ${bytes(result.size)}`));
}

/* Names and values. */
function factsOf(task) {
	const model = task.model.split('/').map(encodeURIComponent).join('/');
	return [
		['Model', make('a', {href: `models/${model}/`}, task.model)],
		['Written', moment.format(task.created)],
		['Took', task.ended && task.submitted ? span(task.ended - task.submitted) : '–'],
		['Cost', priceOf(task)],
		['Request', task.request ? make('a', {href: task.request, target: '_blank', rel: 'noopener'}, task.name) : task.name],
		['Task', make('a', {href: `tasks/all/${task.task}/`}, `tasks/all/${task.task}`)],
	];
}

function view(number) {
	const {task, element} = cards.get(number);
	viewed = number;
	at('stage').replaceChildren(...task.results.map(large),
		...task.more ? [make('p', {}, `and ${task.more} more in the task’s directory`)] : []);
	if (!task.results.length) at('stage').append(sign('–', task.state === 'done' ? 'The results were removed.' : task.state));
	at('facts').replaceChildren(
		make('p', {class: 'whole'}, task.prompt || task.name),
		task.error ? make('p', {class: 'error'}, task.error) : '',
		make('dl', {}, ...factsOf(task).flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)])));
	if (!at('view').open) at('view').showModal();
	at('view').scrollTop = 0;
	at('stage').focus();
	element.scrollIntoView({block: 'nearest'});
	at('newer').disabled = !beside(-1);
	at('older').disabled = !beside(1);
}

/* The number of the next card in this direction, or undefined. */
function beside(step) {
	const all = [...document.querySelectorAll('.card')];
	return all[all.indexOf(cards.get(viewed)?.element) + step]?.order;
}

function go(step) {
	const next = beside(step);
	if (next) view(next);
}
