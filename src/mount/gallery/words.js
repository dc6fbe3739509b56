/* Numbers, times and prices in words. */

const DAY_MS = 86400000;

const number = new Intl.NumberFormat('en-GB', {maximumFractionDigits: 2});
const clock = new Intl.DateTimeFormat('en-GB', {hour: '2-digit', minute: '2-digit'});
const moment = new Intl.DateTimeFormat('en-GB', {dateStyle: 'medium', timeStyle: 'short'});
const dayName = new Intl.DateTimeFormat('en-GB', {weekday: 'long', day: 'numeric', month: 'long', year: 'numeric'});
const dayShort = new Intl.DateTimeFormat('en-GB', {day: 'numeric', month: 'short', timeZone: 'UTC'});

const count = (n, one, many) => `${number.format(n)} ${n === 1 ? one : many}`;
const credits = (n) => count(n, 'credit', 'credits');

function priceOf(task) {
	if (task.credits !== null) return credits(task.credits);
	if (task.state === 'failed') return 'cost not told';
	return task.price === null ? 'price unknown' : `about ${credits(task.price)}`;
}

function dayOf(task) {
	return new Date(task.created).setHours(0, 0, 0, 0);
}

function nameOfDay(day) {
	const today = new Date().setHours(0, 0, 0, 0);
	if (day === today) return 'Today';
	return day === new Date(today - 1).setHours(0, 0, 0, 0) ? 'Yesterday' : dayName.format(day);
}

function span(ms) {
	const s = Math.round(ms / 1000);
	return s < 60 ? `${s} s` : s < 3600 ? `${Math.floor(s / 60)} min ${s % 60} s`
		: `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
}

function bytes(n) {
	return n < 1e3 ? `${n} B` : n < 1e6 ? `${number.format(n / 1e3 | 0)} kB` : `${number.format((n / 1e5 | 0) / 10)} MB`;
}
