import { AUTO, FILE_SOURCE, unknownSource } from "../config/schema/data-source-names.ts";
import { CommandError } from "../tools/text/errors.ts";
import type { Provider } from "./data-source.ts";
import type { Platform } from "./platform.ts";

/** A source of the list, and what the platform says of it. */
export interface Choice {
  readonly provider: Provider;
  readonly recognised: boolean;
  /** Why it is not asked; undefined: it is. */
  readonly passedOver?: string;
}

/** What there is to choose from. */
export interface Offer {
  readonly providers: readonly Provider[];
  /** Those of them that are asked without a name too, whatever the machine says it is. */
  readonly atHand: readonly Provider[];
  /** Makes the provider of `file=PATH`. */
  readonly fileSource: (path: string) => Provider;
}

/**
 * The sources that a list means, in its order, each once. Some of them share addresses (aws, hetzner and openstack), and
 * asking a dead one takes time: once the machine is known to belong to a network source of the list, those that it does
 * not belong to are passed over. Names that mean nothing are returned as errors, and the others count.
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
