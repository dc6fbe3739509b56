/* Elements. Whatever comes from the tasks becomes text or an attribute, never markup. */
'use strict';

const at = (id) => document.getElementById(id);

function make(name, attributes = {}, ...content) {
	const element = document.createElement(name);
	for (const [key, value] of Object.entries(attributes))
		if (value !== undefined) element.setAttribute(key, value);
	element.append(...content.filter((part) => part !== null));
	return element;
}

function makeShape(name, attributes) {
	const element = document.createElementNS('http://www.w3.org/2000/svg', name);
	for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
	return element;
}

/* Puts it among its siblings, which have their orders descending; most are new and go to the end. */
function insert(parent, element, order) {
	let next = null;
	if (element.parentNode === parent) return;
	while ((next ? next.previousSibling : parent.lastChild)?.order < order)
		next = next ? next.previousSibling : parent.lastChild;
	element.order = order;
	parent.insertBefore(element, next);
}
