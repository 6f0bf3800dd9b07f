/** The style of a run of characters on a terminal's screen. */
interface Style {
  readonly colour?: string | undefined;
  readonly background?: string | undefined;
  readonly bold?: boolean;
  readonly faint?: boolean;
  readonly underlined?: boolean;
  readonly reversed?: boolean;
}

interface Run extends Style {
  readonly text: string;
}

/** The sixteen colours of a terminal, normal and bright, for a dark background. */
const COLOURS = [
  ...["#3b4252", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d8dee9"],
  ...["#6b7489", "#ff7b86", "#b5e890", "#ffd68a", "#7cc7ff", "#de8ff2", "#6fd3df", "#ffffff"],
];
const GROUND = "#1e222a";
const TEXT = "#d8dee9";

/** The character cell, in SVG's units. */
const CELL = { width: 8.4, height: 18, size: 14, baseline: 13 };
const MARGIN = 14;

/**
 * Draws a terminal's screen as SVG. `screen` has the lines that tmux prints with escapes (`capture-pane -p -e`): only
 * text and SGR sequences (ECMA-48, 8.3.117). `title` is for screen readers. Empty lines at the end are omitted.
 */
export function drawScreen(
  screen: string,
  { columns, title }: { readonly columns: number; readonly title: string },
): string {
  const lines = parseScreen(screen.trimEnd());
  const width = Math.round(columns * CELL.width) + 2 * MARGIN;
  const height = lines.length * CELL.height + 2 * MARGIN;
  const rows = lines.map((runs, row) => drawLine(runs, MARGIN + row * CELL.height));
  const font = `font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${CELL.size}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<title>${escapeXml(title)}</title>
<rect width="100%" height="100%" rx="6" fill="${GROUND}"/>
<g ${font} fill="${TEXT}" xml:space="preserve">
${rows.filter((row) => row !== "").join("\n")}
</g>
</svg>
`;
}

function drawLine(runs: readonly Run[], top: number): string {
  let column = 0;
  const parts = runs.map((run) => {
    const x = MARGIN + column * CELL.width;
    column += [...run.text].length;
    return drawRun(run, x, top);
  });
  return parts.join("");
}

function drawRun(run: Run, x: number, top: number): string {
  const { text, bold, faint, underlined } = run;
  const [colour, ground] = run.reversed
    ? [run.background ?? GROUND, run.colour ?? TEXT]
    : [run.colour, run.background];
  const width = ([...text].length * CELL.width).toFixed(1);
  const left = x.toFixed(1);
  const box =
    ground === undefined
      ? ""
      : `<rect x="${left}" y="${top}" width="${width}" height="${CELL.height}" fill="${ground}"/>`;
  if (text.trim() === "") return box;
  const looks = [
    colour === undefined ? "" : ` fill="${colour}"`,
    bold ? ' font-weight="bold"' : "",
    faint ? ' opacity="0.6"' : "",
    underlined ? ' text-decoration="underline"' : "",
  ].join("");
  // the length preserves the columns in any font
  return `${box}<text x="${left}" y="${top + CELL.baseline}" textLength="${width}"${looks}>${escapeXml(text)}</text>`;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The lines of a screen as runs of one style each. A style continues after the end of a line. */
function parseScreen(screen: string): readonly (readonly Run[])[] {
  let style: Style = {};
  return screen.split("\n").map((line) => {
    const runs: Run[] = [];
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it searches for escapes
    for (const part of line.split(/(\x1b\[[\d;]*m)/)) {
      if (part.startsWith("\x1b")) style = changedStyle(style, part.slice(2, -1).split(";").map(Number));
      else if (part !== "") runs.push({ ...style, text: part });
    }
    return runs;
  });
}

/** The effect of each SGR parameter. */
const CHANGES: Readonly<Record<number, Style>> = {
  1: { bold: true },
  2: { faint: true },
  4: { underlined: true },
  7: { reversed: true },
  22: { bold: false, faint: false },
  24: { underlined: false },
  27: { reversed: false },
  39: { colour: undefined },
  49: { background: undefined },
  ...Object.fromEntries(COLOURS.map((colour, at) => [at < 8 ? 30 + at : 82 + at, { colour }])),
  ...Object.fromEntries(COLOURS.map((background, at) => [at < 8 ? 40 + at : 92 + at, { background }])),
};

/** A style after the parameters of an SGR sequence. Colours of larger palettes are ignored. */
function changedStyle(before: Style, parameters: readonly number[]): Style {
  let style = before;
  for (const code of parameters) {
    if (code === 38 || code === 48) return style; // its own parameters follow
    style = code === 0 ? {} : { ...style, ...CHANGES[code] };
  }
  return style;
}
