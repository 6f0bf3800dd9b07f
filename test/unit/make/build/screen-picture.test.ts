import { expect, test } from "bun:test";
import { drawScreen } from "../../../../lib/make/build/screen-picture.ts";

const draw = (screen: string) => drawScreen(screen, { columns: 20, title: "a & b" });
const texts = (svg: string) =>
  [...svg.matchAll(/<text ([^>]*)>([^<]*)<\/text>/g)].map(([, how, text]) => [text, how]);

test("drawScreen() has a text for each run of one style, at its column and line", () => {
  const found = texts(draw("a\x1b[1mbc\x1b[0m d\n\n  \x1b[36me\x1b[39mf"));
  expect(found.map(([text]) => text)).toEqual(["a", "bc", " d", "e", "f"]);
  expect(found[1]?.[1]).toBe('x="22.4" y="27" textLength="16.8" font-weight="bold"');
  expect(found[3]?.[1]).toContain('fill="#56b6c2"');
  expect(found[4]?.[1]).toBe('x="39.2" y="63" textLength="8.4"');
});

test("drawScreen() carries a style over the end of a line", () => {
  expect(texts(draw("\x1b[31ma\nb\x1b[mc")).map(([, how]) => how?.includes("fill="))).toEqual([
    true,
    true,
    false,
  ]);
});

test("drawScreen() puts a box behind what is reversed or has a ground of its own", () => {
  const svg = draw("\x1b[7m x\x1b[27m\x1b[44my");
  expect([...svg.matchAll(/<rect x=/g)]).toHaveLength(2);
  expect(texts(svg)[0]?.[1]).toContain('fill="#1e222a"');
});

test("drawScreen() escapes what is markup, and leaves out empty lines at the end", () => {
  const svg = draw("<a> & b\n\n\n");
  expect(svg).toContain(">&lt;a&gt; &amp; b</text>");
  expect(svg).toContain("<title>a &amp; b</title>");
  expect(svg).toContain('height="46"');
});

test("drawScreen() passes over colours of larger palettes", () => {
  expect(texts(draw("\x1b[38;5;196ma\x1b[0mb")).map(([, how]) => how?.includes("fill="))).toEqual([
    false,
    false,
  ]);
});
