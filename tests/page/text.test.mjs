/** What people write, as nodes: nothing is lost, nothing is added, and links lead where they say. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { address, isEmoji, rich } from "../../chat/web/text.js";

globalThis.document = {
  createElement: (tag) => ({
    tag,
    append(...children) {
      assert.deepEqual(children, []);
    },
  }),
};

const TRIALS = 20000;

const links = (text) => rich(text).filter((node) => typeof node !== "string");
const hrefs = (text) => links(text).map(({ href }) => href);
const texts = (text) => links(text).map(({ textContent }) => textContent);
const whole = (text) =>
  rich(text)
    .map((node) => (typeof node === "string" ? node : node.textContent))
    .join("");

/** Numbers that are the same in each run (mulberry32). */
function seeded(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

test("a link tells the other side nothing, opens elsewhere, and shows where it leads", () => {
  const [link] = links("see https://example.com/a?b=c#d");
  assert.equal(link.tag, "a");
  assert.equal(link.href, "https://example.com/a?b=c#d");
  assert.equal(link.title, link.href);
  assert.equal(link.target, "_blank");
  assert.deepEqual(link.rel.split(" ").sort(), ["nofollow", "noopener", "noreferrer", "ugc"]);
});

test("punctuation behind a link is not part of it", () => {
  for (const end of [".", ",", ":", ";", "!", "?", "...", "?!", "…", ").", '"', "'", ">", ")", "),"])
    assert.deepEqual(texts(`(see https://example.com/a${end}`), ["https://example.com/a"], end);
});

test("parentheses belong to a link when they begin in it", () => {
  assert.deepEqual(texts("https://example.com/a_(b)"), ["https://example.com/a_(b)"]);
  assert.deepEqual(texts("(https://example.com/a_(b))."), ["https://example.com/a_(b)"]);
  assert.deepEqual(texts("(https://example.com/a)"), ["https://example.com/a"]);
  assert.deepEqual(texts("https://example.com/a)b"), ["https://example.com/a)b"]);
});

test("Chinese punctuation ends a link, also without a space behind it", () => {
  for (const end of "。，：；！？、）》】」』”’…")
    for (const behind of ["", "很好", "https"])
      assert.deepEqual(
        texts(`看（https://example.com/a${end}${behind}`),
        ["https://example.com/a"],
        end + behind,
      );
  assert.deepEqual(hrefs("“https://a.example”和「www.b.example」"), ["https://a.example/", "https://www.b.example/"]);
});

test("www. is enough, in any case, and so is any case of the scheme", () => {
  assert.deepEqual(hrefs("www.example.com"), ["https://www.example.com/"]);
  assert.deepEqual(hrefs("WWW.Example.COM/A"), ["https://www.example.com/A"]);
  assert.deepEqual(hrefs("HTTPS://Example.com HttP://b.example"), ["https://example.com/", "http://b.example/"]);
  assert.deepEqual(texts("HTTPS://Example.com"), ["HTTPS://Example.com"]);
});

test("several links keep their order, and the text between them", () => {
  const nodes = rich("a www.b.example, http://c.example d");
  assert.deepEqual(nodes.map((node) => node.textContent ?? node), [
    "a ", "www.b.example", ", ", "http://c.example", " d",
  ]);
});

test("what is no web address is no link", () => {
  for (const text of [
    "javascript:alert(1)", "JavaScript://a.example/%0aalert(1)", "data:text/html,x",
    "file:///etc/passwd", "vbscript:x", "blob:https:a.example", "ftp://a.example", "mailto:a@b.example",
    "https://", "http://.", "www.", "www...", "https://localhost/", "http://[::1]/", "https://a b",
    "https://a.example:99999/", "xhttps://a.example", "awww.b.example", "httpſ://a.example", "a.example",
  ])
    assert.deepEqual(hrefs(text), [], text);
});

test("a web address inside of another scheme leads to the web, or nowhere", () => {
  for (const text of ["javascript:https://a.example", "data:text/html,www.a.example", "view-source:http://a.example"])
    for (const href of hrefs(text)) assert.match(href, /^https?:\/\/(www\.)?a\.example\/$/);
});

test("an address with a name or password in front of its host is no link", () => {
  for (const text of [
    "https://user@a.example", "https://user:pass@a.example", "https://:pass@a.example",
    "https://www.bank.example@a.example/", "www.bank.example@a.example", "https://www.bank.example%2f@a.example",
  ])
    assert.deepEqual(hrefs(text), [], text);
});

test("marks that turn text around end a link", () => {
  for (const mark of "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") {
    assert.deepEqual(texts(`https://a.example/${mark}moc.b`), ["https://a.example/"]);
    assert.deepEqual(hrefs(`https://a.${mark}example`), []);
  }
});

test("a host in other letters shows what the browser asks for", () => {
  const [link] = links("https://аррӏе.example/ü");
  assert.equal(link.textContent, "https://аррӏе.example/ü");
  assert.match(link.title, /^https:\/\/xn--[a-z0-9-]+\.example\/%C3%BC$/);
  assert.equal(links("https://example.com\\@evil.example")[0].title, "https://example.com/@evil.example");
});

test("browsers without URL.parse have links as well", (context) => {
  const { parse, canParse } = URL;
  context.after(() => Object.assign(URL, { parse, canParse }));
  Object.assign(URL, { parse: undefined, canParse: undefined });
  assert.deepEqual(hrefs("https://a.example"), ["https://a.example/"]);
  assert.equal(address("https://"), null);
});

test("whatever is written comes out again, whole and in order, and links are safe", () => {
  const pieces = [
    "https://", "http://", "HTTPS://", "www.", "a.example", "example", ".", ",", "(", ")", "))", "/", "?", "!",
    "@", ":", "#", "%", "\\", " ", "\n", "。", "，", "（", "）", "”", "…", "\u202e", "\u2066", "\u200b", "\u200d",
    "😀", "👩‍👩‍👧", "\ud800", "\udc00", "é", "中文", "[", "]", "::1", "1", ":80", "javascript:", "data:", "<b>",
    '"', "'", "`", "&amp;", "\0", "$&", "xn--", "-", "\u00ad", "ſ",
  ];
  const pick = seeded(20240229);
  for (let trial = 0; trial < TRIALS; trial += 1) {
    const text = Array.from({ length: pick(12) }, () => pieces[pick(pieces.length)]).join("");
    assert.equal(whole(text), text);
    for (const { href, textContent } of links(text)) {
      const url = new URL(href);
      assert.match(url.protocol, /^https?:$/, text);
      assert.equal(url.username + url.password, "", text);
      assert.match(textContent, /^(https?:\/\/|www\.)/iu, text);
      assert.doesNotMatch(textContent, /[\s\p{Bidi_C}]|[.,:;!?]$/u, text);
    }
  }
});

test("a long message of whatever is worst takes no time", () => {
  const begun = performance.now();
  for (const piece of ["https://a.example/)", "(", ")", ".", "www.", "https://", "https://a.b/(", "😀", "!"]) {
    const text = `https://a.example/${piece.repeat(2000)}`.slice(0, 2000);
    assert.equal(whole(text), text);
    isEmoji(text);
  }
  assert.ok(performance.now() - begun < 2000);
});

test("one to three emoji are large, whatever they are made of", () => {
  for (const text of ["😀", " 😀 ", "😀😀😀", "👩‍👩‍👧", "👍🏽", "🇩🇪🇨🇳", "❤️"]) assert.ok(isEmoji(text), text);
});

test("text, digits, nothing, and too many emoji are not", () => {
  for (const text of ["", " ", "a", "1", "#", "*", "a😀", "😀a", "😀 😀", "😀😀😀😀", "🇩", "\u200d", "中", "\ud83d"])
    assert.ok(!isEmoji(text), text);
});

test("browsers that cannot tell characters apart show all the same", (context) => {
  context.mock.property(Intl, "Segmenter", undefined);
  assert.ok(isEmoji("😀"));
  assert.ok(!isEmoji("a"));
  assert.ok(!isEmoji("👩‍👩‍👧"));
});
