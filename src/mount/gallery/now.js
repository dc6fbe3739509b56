/* What is under way, and what was spent. */

const running = new Map(); // what is shown as under way, by the number of the task

function makeRunning(task) {
	const isWaiting = now.held.includes(task) || task.state === 'queued';
	const words = make('span');
	const done = make('div', {class: 'done'});
	const element = make('li', {class: now.held.includes(task) ? 'held' : undefined, id: `under-way-${task.task}`},
		make('p', {class: 'prompt', title: task.prompt}, task.prompt || task.name),
		make('p', {class: 'meta'}, make('span', {}, task.model), make('span', {}, priceOf(task))),
		make('p', {class: 'status'}, make('a', {href: `tasks/all/${task.task}/`}, `Task ${task.task}`), ' ', words),
		isWaiting ? null : make('div', {class: 'track'}, done));
	return {state: task.state, element, words, done};
}

/* What is there already stays the same element: it may have the keyboard. */
function showRunning() {
	const tasks = [...now.active, ...now.held];
	const gone = new Set(running.keys());
	for (const task of tasks) {
		if (running.get(task.task)?.state !== task.state) {
			running.get(task.task)?.element.remove();
			running.set(task.task, makeRunning(task));
		}
		const {element, words, done} = running.get(task.task);
		words.textContent = task.status;
		done.classList.toggle('unknown', task.progress < 0);
		done.style.width = task.progress < 0 ? '' : `${task.progress}%`;
		insert(at('running'), element, task.task);
		gone.delete(task.task);
	}
	for (const number of gone) {
		running.get(number).element.remove();
		running.delete(number);
	}
}

function showNow() {
	const left = [now.active_count - now.active.length, now.held_count - now.held.length];
	at('now_title').textContent = now.active_count ? 'Under way' : 'Held';
	at('now').hidden = !now.active_count && !now.held_count;
	showRunning();
	at('queue').textContent = [left[0] && `${number.format(left[0])} more under way or queued`,
		left[1] && `${number.format(left[1])} more held`].filter(Boolean).join(', ');
	at('summary').textContent = [now.latest && count(now.latest, 'task', 'tasks'),
		now.active_count && `${number.format(now.active_count)} under way`,
		now.held_count && `${number.format(now.held_count)} held`,
		now.balance !== null && `${credits(Number(now.balance))} left`].filter(Boolean).join(' · ');
	for (const section of at('results').children)
		section.firstChild.textContent = nameOfDay(section.order);
	at('empty').hidden = now.latest > 0;
	at('filter').hidden = now.latest === 0;
	if (now.first)
		at('example').textContent = `echo 'A red kite over a green hill at noon.' > models/${now.first}/kite.txt`;
}

const HEIGHT = 64; // of the chart
const SPANS = [['Today', 1], ['7 days', 7], ['90 days', 90]];

/* What was spent from the day `first` on; the days' own figures are in the order of spend.js. */
function sumFrom(days, first) {
	const sum = {tasks: 0, credits: 0, estimated: 0, unknown: 0};
	for (const [day, tasks, spent, estimated, unknown] of days.filter((one) => one[0] >= first)) {
		sum.tasks += tasks;
		sum.credits += spent;
		sum.estimated += estimated;
		sum.unknown += unknown;
	}
	return sum;
}

function spendInWords(sum) {
	return `${credits(sum.credits)} in ${count(sum.tasks, 'task', 'tasks')}`
		+ (sum.estimated ? `, ${number.format(sum.estimated)} by estimate` : '')
		+ (sum.unknown ? `, ${number.format(sum.unknown)} of unknown price` : '');
}

function makeSum(name, sum) {
	return make('div', {title: spendInWords(sum)}, make('dt', {}, name),
		make('dd', {}, number.format(sum.credits), make('small', {}, sum.credits === 1 ? ' credit' : ' credits')));
}

/* A bar, and over the whole height what says its figures. */
function makeDay(x, day, sum, most) {
	const height = most ? (HEIGHT - 4) * sum.credits / most : 0;
	const hover = makeShape('rect', {class: 'day', x, width: 1, height: HEIGHT});
	const title = makeShape('title', {});
	title.textContent = `${dayShort.format(day * DAY_MS)}: ${spendInWords(sum)}`;
	hover.append(title);
	return [makeShape('rect', {class: 'bar', x: x + 0.12, width: 0.76, y: HEIGHT - height, height}), hover];
}

function showSpend({today, days}) {
	const first = Math.min(today - 13, ...days.map(([day]) => day));
	const most = Math.max(0, ...days.map(([, , spent]) => spent));
	const unknown = sumFrom(days, first).unknown;
	const bars = [];
	for (let day = first; day <= today; day++)
		bars.push(...makeDay(day - first, day, sumFrom(days.filter((one) => one[0] === day), day), most));
	at('sums').replaceChildren(...SPANS.map(([name, span]) => makeSum(name, sumFrom(days, today - span + 1))));
	at('chart').setAttribute('viewBox', `0 0 ${today - first + 1} ${HEIGHT}`);
	at('chart').setAttribute('aria-label', `Credits spent per day (UTC) since ${dayShort.format(first * DAY_MS)}, at most ${credits(most)} a day`);
	at('chart').replaceChildren(...bars);
	at('first_day').textContent = dayShort.format(first * DAY_MS);
	at('most').textContent = `at most ${credits(most)} a day`
		+ (unknown ? `, ${count(unknown, 'task', 'tasks')} of unknown price` : '');
	at('spend').hidden = !days.length;
}

function showModels(models) {
	const known = [...filter.model.options].map((option) => option.value);
	for (const model of models)
		if (!known.includes(model)) filter.model.append(make('option', {value: model}, model));
}
