/** Short forms for the page. Text only ever becomes text: nothing here, or anywhere, reads it as HTML. */

export const find = (selector) => document.querySelector(selector);

/** An element with these properties and children; a child that is no node becomes text, null is left out. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** The first letter of a name in a circle, whose colour is the partner's own. */
export function paintFace(element, name, id) {
  const [first] = new Intl.Segmenter().segment(name.trim());
  element.textContent = first?.segment.toUpperCase() ?? "?";
  element.style.setProperty("--hue", String((id * 137) % 360));
  return element;
}
