import { AUTO, FILE_SOURCE, unknownSource } from "../config/schema/data-source-names.ts";
import { CommandError } from "../tools/text/errors.ts";
import type { Provider } from "./data-source.ts";
import type { Platform } from "./platform.ts";

/** A source of the list, and whether the platform belongs to it. */
export interface Choice {
  readonly provider: Provider;
  readonly recognised: boolean;
  /** Why it is not asked; undefined: it is asked. */
  readonly passedOver?: string;
}

/** The sources to choose from. */
export interface Offer {
  readonly providers: readonly Provider[];
  /** The sources that `auto` asks on any machine. */
  readonly atHand: readonly Provider[];
  /** Creates the provider of `file=PATH`. */
  readonly fileSource: (path: string) => Provider;
}

/**
 * The sources of a list, in its order and without duplicates. Some of them share addresses (aws, hetzner and
 * openstack), and a request to a dead address takes time. Therefore, if the machine belongs to a network source of the
 * list, the other network sources are skipped. Unknown names are returned as errors; the others still count.
 */
export function chooseSources(
  names: readonly string[],
  offer: Offer,
  platform: Platform,
): { readonly choices: readonly Choice[]; readonly errors: readonly CommandError[] } {
  const errors: CommandError[] = [];
  const listed = names.flatMap((name) => {
    const found = providersOf(name.trim(), offer, platform);
    if (Array.isArray(found)) return found;
    errors.push(found);
    return [];
  });
  const providers = listed.filter(
    (one, index) => listed.findIndex(({ name }) => name === one.name) === index,
  );
  const known = providers.find((provider) => provider.kind === "network" && provider.recognises(platform));
  const choices = providers.map((provider): Choice => {
    const recognised = provider.recognises(platform);
    if (provider.kind === "local" || recognised || known === undefined) return { provider, recognised };
    return { provider, recognised, passedOver: `this machine belongs to ${known.name}` };
  });
  return { choices, errors };
}

function providersOf(name: string, offer: Offer, platform: Platform): Provider[] | CommandError {
  if (name.startsWith(FILE_SOURCE)) return [offer.fileSource(name.slice(FILE_SOURCE.length))];
  if (name.toLowerCase() === AUTO) {
    return offer.providers.filter((one) => offer.atHand.includes(one) || one.recognises(platform));
  }
  const found = offer.providers.find((one) => one.name === name.toLowerCase());
  if (found !== undefined) return [found];
  const names = offer.providers.map((one) => one.name);
  return new CommandError(unknownSource(name, names));
}
