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

function showSum(name, sum) {
	at('sums').append(make('div', {}, make('dt', {}, name),
		make('dd', {title: `${count(sum.tasks, 'task', 'tasks')}, ${number.format(sum.estimated)} by estimate`},
			number.format(sum.credits), make('small', {}, ` ${sum.credits === 1 ? 'credit' : 'credits'}`))));
}

function showSpend({today, days}) {
	const all = new Map(days.map(([day, ...rest]) => [day, rest]));
	const first = Math.min(today - 13, ...all.keys());
	const length = today - first + 1;
	const most = Math.max(1e-9, ...days.map(([, , spent]) => spent));
	const bars = [];
	const sums = [1, 7, 90].map((span) => ({span, tasks: 0, credits: 0, estimated: 0, unknown: 0}));
	for (let day = first; day <= today; day++) {
		const [tasks, spent, estimated, unknown] = all.get(day) || [0, 0, 0, 0];
		const height = 60 * spent / most;
		const name = dayShort.format(day * DAY_MS);
		const hover = makeBar('rect', {class: 'day', x: day - first, y: 0, width: 1, height: 64});
		const title = makeBar('title', {});
		title.textContent = `${name}: ${credits(spent)} in ${count(tasks, 'task', 'tasks')}`
			+ (estimated ? `, ${number.format(estimated)} by estimate` : '')
			+ (unknown ? `, ${number.format(unknown)} of unknown price` : '');
		hover.append(title);
		bars.push(makeBar('rect', {class: 'bar', x: day - first + 0.12, width: 0.76, y: 64 - height, height}), hover);
		for (const sum of sums.filter((one) => day > today - one.span)) {
			sum.tasks += tasks;
			sum.credits += spent;
			sum.estimated += estimated;
			sum.unknown += unknown;
		}
	}
	at('sums').replaceChildren();
	['Today', '7 days', '90 days'].forEach((name, i) => showSum(name, sums[i]));
	at('chart').setAttribute('viewBox', `0 0 ${length} 64`);
	at('chart').setAttribute('aria-label', `Credits spent per day (UTC), ${dayShort.format(first * DAY_MS)} to today; at most ${credits(days.length ? most : 0)} on one day`);
	at('chart').replaceChildren(...bars);
	at('first_day').textContent = dayShort.format(first * DAY_MS);
	at('most').textContent = `at most ${credits(most)} a day` + (sums[2].unknown ? `, ${count(sums[2].unknown, 'task', 'tasks')} of unknown price` : '');
	at('spend').hidden = !days.length;
}

function showModels(models) {
	const known = [...filter.model.options].map((option) => option.value);
	for (const model of models)
		if (!known.includes(model)) filter.model.append(make('option', {value: model}, model));
}
