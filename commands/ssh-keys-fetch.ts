import { askKeySource } from "../lib/apply/authorize-ssh-keys.ts";
import { withEnvironment } from "../lib/apply/environment.ts";
import { readConfig } from "../lib/config/read/read.ts";
import { defineCommand } from "../lib/tools/cli/cli.ts";
import { maskUrl } from "../lib/tools/http/http.ts";
import { EXIT, UsageError } from "../lib/tools/text/errors.ts";

/** `k3os ssh-keys fetch SOURCE…` */
export const sshKeysFetch = defineCommand({
  usage: "SOURCE...",
  description: `
Prints the public keys of each SOURCE, one per line, and writes nothing. SOURCE
is an entry of ssh_authorized_keys: github:USER, gitlab:USER, codeberg:USER,
launchpad:USER, a URL, or a key. The proxy comes from the environment and from
k3os.environment in the configuration. Lines without a key are skipped. All
sources are queried in parallel, with a timeout of 30 seconds.`,
  options: {},
  exits: { failed: "a source failed; the keys of the others are printed" },
  maxPositionals: Number.POSITIVE_INFINITY,
  run: async ({ positionals }, host) => {
    if (positionals.length === 0) throw new UsageError("Missing argument SOURCE");
    // only a proxy in the configuration matters here: other settings and problems are ignored
    const { config } = await readConfig(host);
    const asking = withEnvironment(config, host);
    const answers = await Promise.all(
      positionals.map((source) => askKeySource(maskUrl(source), source, { network: true }, asking)),
    );
    const keys = new Set(answers.flatMap((answer) => answer.keys ?? []));
    if (keys.size > 0) host.print(`${[...keys].join("\n")}\n`);
    const errors = answers.flatMap(({ error }) => (error === undefined ? [] : [error]));
    for (const { path, message } of errors) host.log.error(`${path}: ${message}`);
    return errors.length === 0 ? EXIT.done : EXIT.failed;
  },
});
