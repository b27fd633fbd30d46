/** Short forms for the page. Text only ever becomes text: nothing here, or anywhere, reads it as HTML. */

export const find = (selector) => document.querySelector(selector);

/** An element with these properties, or attributes where the name has a dash, and these children: text or nodes. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties))
    if (name.includes("-")) element.setAttribute(name, value);
    else element[name] = value;
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** What people see as single characters; nearly so where the browser cannot tell. */
export function characters(text) {
  if (!Intl.Segmenter) return [...text];
  return [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
}

/** The first letter of a name in a circle, whose colour is the partner's own. */
export function paintFace(element, name, id) {
  element.textContent = characters(name.trim())[0]?.toUpperCase() ?? "?";
  element.style.setProperty("--hue", String((id * 137) % 360));
  return element;
}
