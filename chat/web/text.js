/** What people write, as nodes: links that can be clicked, and emoji that may be large. */

import { make } from "./dom.js";

const LINK = /\b(?:https?:\/\/|www\.)[^\s<>"'`\u200e\u200f\u202a-\u202e\u2066-\u2069]+/giu;
const TRAILING = /[.,:;!?…。，：；！？、）】》]+$/u;
const EMOJI = /^(?:\p{Extended_Pictographic}|\p{Regional_Indicator}{2})/u;
const MOST_LARGE = 3;

/** Whether it is nothing but a few emoji. */
export function isEmoji(text) {
  if (text.length > 60) return false;
  const characters = [...new Intl.Segmenter().segment(text.trim())].map(({ segment }) => segment);
  return (
    characters.length > 0 &&
    characters.length <= MOST_LARGE &&
    characters.every((character) => EMOJI.test(character))
  );
}

/** The address that a stretch of text stands for, without the punctuation behind it; null for none. */
export function address(found) {
  let text = found.replace(TRAILING, "");
  while (text.endsWith(")") && text.split(")").length > text.split("(").length)
    text = text.slice(0, -1).replace(TRAILING, "");
  const url = URL.parse?.(/^www\./i.test(text) ? `https://${text}` : text) ?? null;
  const clear = url && /^https?:$/.test(url.protocol) && !url.username && url.hostname.includes(".");
  return clear ? { text, href: url.href } : null;
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
