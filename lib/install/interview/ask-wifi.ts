import { textProblem } from "../../config/schema/scalars.ts";
import { SCHEMA, type WifiNetwork } from "../../config/schema/schema.ts";
import { isComposed, isSet, type Step, withK3os } from "./step.ts";

export const wifi: Step = {
  skip: (known) => !isComposed(known) || isSet(known.config.k3os?.wifi),
  ask: async ({ config }, asker) => {
    const networks: WifiNetwork[] = [];
    let question = "Configure WiFi?";
    while (await asker.confirm(question)) {
      const name = await asker.text("Name of the WiFi network", nameProblem);
      const passphrase = await asker.secret("Its passphrase (nothing: it is open)", passphraseProblem);
      networks.push(passphrase === "" ? { name } : { name, passphrase });
      question = "Configure another WiFi network?";
    }
    return networks.length === 0 ? {} : { config: withK3os(config, { wifi: networks }) };
  },
};

const NETWORK = SCHEMA.fields.k3os.fields.wifi.item.fields;

export function nameProblem(name: string): string | undefined {
  return name === "" ? "Expected the name of a network" : textProblem(NETWORK.name, name);
}

export function passphraseProblem(passphrase: string): string | undefined {
  return textProblem(NETWORK.passphrase, passphrase);
}
