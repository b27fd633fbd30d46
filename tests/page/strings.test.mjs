/** The words of the page: the same ones in each language, and names that stay names. */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { choose, speak, strings } from "../../chat/web/strings.js";

const WEB = new URL("../../chat/web/", import.meta.url);
const LISTS = ["adjectives", "animals"]; // of words, for the suggested names
const languages = Object.keys(strings);

const forms = (found) => (typeof found === "string" ? { other: found } : found);
const places = (form) => [...new Set(form.match(/\{\w+\}/g))].sort();
const read = (name) => readFileSync(new URL(name, WEB), "utf8");

test("each language has the same keys", () => {
  for (const language of languages)
    assert.deepEqual(Object.keys(strings[language]).sort(), Object.keys(strings.en).sort(), language);
});

test("each language fills in the same things, in each plural form", () => {
  for (const language of languages)
    for (const [key, found] of Object.entries(strings[language]))
      for (const form of Object.values(forms(found)))
        assert.deepEqual(places(form), places(forms(strings.en[key]).other), `${language} ${key}`);
});

test("each language has exactly the plural forms that it knows, always `other` among them", () => {
  for (const language of languages) {
    const known = new Intl.PluralRules(language).resolvedOptions().pluralCategories.toSorted();
    assert.ok(known.includes("other"));
    for (const [key, found] of Object.entries(strings[language])) {
      assert.equal(typeof found, typeof strings.en[key], key);
      if (typeof found === "object") assert.deepEqual(Object.keys(found).toSorted(), known, key);
    }
  }
});

test("no string is empty, has blanks around it, or a brace that fills nothing in", () => {
  for (const language of languages)
    for (const [key, found] of Object.entries(strings[language]))
      for (const form of Object.values(forms(found))) {
        assert.ok(form && form === form.trim(), `${language} ${key}`);
        assert.doesNotMatch(form.replace(/\{\w+\}/g, ""), /[{}]/, `${language} ${key}`);
      }
});

test("suggested names fit into a nickname", () => {
  const longest = (words) => Math.max(...words.split(" ").map((word) => word.length));
  for (const language of languages) {
    const [first, second] = LISTS.map((key) => longest(strings[language][key]));
    assert.ok(first + 1 + second <= 30, language);
  }
});

test("what the page says is there, and what is there is said", () => {
  const html = read("index.html");
  const code = readdirSync(WEB)
    .filter((name) => name.endsWith(".js") && name !== "strings.js")
    .map(read)
    .join("\n");
  const inHtml = [...html.matchAll(/data-(?:say|label|title|placeholder)="(\w+)"/g)];
  const inCode = [...code.matchAll(/\bsay\("(\w+)"/g)];
  const said = [...inHtml, ...inCode].map(([, key]) => key);
  assert.ok(inHtml.length > 10 && inCode.length > 10);
  for (const key of said) assert.ok(Object.hasOwn(strings.en, key), key);
  // Some are said by a name that is worked out: then it is written somewhere.
  for (const key of Object.keys(strings.en))
    assert.ok(said.includes(key) || code.includes(`"${key}"`) || code.includes(`{ ${key}: `), key);
});

test("the first language that is here is chosen, otherwise English", () => {
  assert.equal(choose(["fr", "zh-TW"]), "zh");
  assert.equal(choose(["zh-Hans-CN", "en"]), "zh");
  assert.equal(choose(["en-GB", "zh"]), "en");
  assert.equal(choose(["fr", "de-AT"]), "en");
  assert.equal(choose([]), "en");
  assert.equal(choose(["constructor", "__proto__", ""]), "en");
});

test("plural forms follow the number", () => {
  const english = speak("en");
  assert.equal(english("seconds", { n: 1 }), "1 second");
  assert.equal(english("seconds", { n: 0 }), "0 seconds");
  assert.equal(english("news", { n: 21 }), "21 new messages");
  assert.equal(speak("zh")("seconds", { n: 1 }), "1 秒");
});

test("a name is put between isolates, as it is", () => {
  for (const language of languages)
    for (const name of ["Ada", "{n}", "{name}", "$&", "$1$`", "<b>", "\\", "محمد", ""])
      assert.equal(
        speak(language)("talking", { name }),
        strings[language].talking.replace("{name}", () => `\u2068${name}\u2069`),
      );
});

test("a name cannot leave its isolate, nor turn around what is behind it", () => {
  const said = speak("en")("typing", { name: "A\u2069\u202e\u2066\u202b" });
  assert.equal(said, "\u2068A\u2069 is typing …");
});
