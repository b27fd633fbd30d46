/** What people write, as nodes: links that can be clicked, and emoji that may be large. */

import { characters, make } from "./dom.js";

// Chinese has no space behind a link: its punctuation ends one, as do the marks that turn text around.
const LINK = /\b(?:https?:\/\/|www\.)[^\s<>"'`\p{Bidi_C}…‘’“”。，：；！？、（）〈〉《》「」『』【】]+/giu;
const TRAILING = /[.,:;!?]+$/;
const EMOJI = /^(?:\p{Extended_Pictographic}|\p{Regional_Indicator}{2})/u;
const MOST_LARGE = 3;

/** Whether it is nothing but a few emoji. */
export function isEmoji(text) {
  if (text.length > 60) return false;
  const all = characters(text.trim());
  return all.length > 0 && all.length <= MOST_LARGE && all.every((one) => EMOJI.test(one));
}

/** The address that a stretch of text stands for, without the punctuation behind it; null for none. */
export function address(found) {
  let text = found.replace(TRAILING, "");
  while (text.endsWith(")") && text.split(")").length > text.split("(").length)
    text = text.slice(0, -1).replace(TRAILING, "");
  try {
    const url = new URL(/^www\./i.test(text) ? `https://${text}` : text);
    const clear = /^https?:$/.test(url.protocol) && !url.username && !url.password;
    return clear && url.hostname.includes(".") ? { text, href: url.href } : null;
  } catch {
    return null;
  }
}

/** Text and links, in order. Where a link leads is shown, and it learns nothing of us. */
export function rich(text) {
  const nodes = [];
  let done = 0;
  for (const { 0: found, index } of text.matchAll(LINK)) {
    const link = address(found);
    if (!link) continue;
    nodes.push(
      text.slice(done, index),
      make("a", {
        href: link.href,
        title: link.href,
        target: "_blank",
        rel: "noopener noreferrer nofollow ugc",
        textContent: link.text,
      }),
    );
    done = index + link.text.length;
  }
  return [...nodes, text.slice(done)];
}
