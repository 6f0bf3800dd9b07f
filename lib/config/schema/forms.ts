import type { Form } from "./field.ts";

/**
 * Maximum number of characters: k3s uses the host name as the node name, and the kubelet uses that as the value of a
 * label.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
 */
export const MAX_HOSTNAME = 63;

const DNS_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?";

/** A valid node name: a subdomain of RFC 1123, which k3s converts to lower case. */
export const HOSTNAME: Form = {
  pattern: `^(?=.{1,${MAX_HOSTNAME}}$)${DNS_LABEL}(?:\\.${DNS_LABEL})*$`,
  expected: `a host name that a node can have: letters, digits, "-" and ".", at most ${MAX_HOSTNAME} characters`,
};

export const ENCODING: Form = {
  pattern: "^(?:b64|base64|gz|gzip|(?:gz|gzip)\\+(?:b64|base64))$",
  expected: '"b64", "gzip" or "gzip+b64" (or "base64", "gz", "gz+base64")',
};

export const OCTAL_MODE: Form = { pattern: "^[0-7]{3,5}$", expected: 'an octal mode such as "0644"' };

/** `user` or `user:group`, by name or number, as in chown(1). */
export const OWNER: Form = {
  pattern: "^[A-Za-z0-9_][A-Za-z0-9_.$-]*(?::[A-Za-z0-9_][A-Za-z0-9_.$-]*)?$",
  expected: '"USER" or "USER:GROUP"',
};

export const ENVIRONMENT_NAME: Form = {
  pattern: "^[A-Za-z_][A-Za-z0-9_]*$",
  expected: "the name of an environment variable: letters, digits and _",
};

const NAME = "(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)";
const PREFIX = "(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?";

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set */
export const LABEL_NAME: Form = {
  pattern: `^${PREFIX}${NAME}$`,
  expected: 'a Kubernetes label name such as "example.com/region"',
};

export const LABEL_VALUE: Form = {
  pattern: `^${NAME}$`,
  expected: 'a Kubernetes label value: at most 63 letters, digits, "-", "_" and "."',
};

const TAINT_TEXT = `${PREFIX}${NAME}(?:=${NAME}?)?:(?:NoSchedule|PreferNoSchedule|NoExecute)`;

const TIME_UNIT = "(?:m|min|minutes?|h|hr|hours?|d|days?|w|weeks?)";

/**
 * A time span, without units that are too short or too long for a recurring action.
 * https://www.freedesktop.org/software/systemd/man/latest/systemd.time.html
 */
export const REFRESH_SPAN: Form = {
  pattern: `^(?:0|off|\\d{1,6} ?${TIME_UNIT}(?: ?\\d{1,6} ?${TIME_UNIT})*)$`,
  expected: '"0", "off", or minutes, hours, days or weeks such as "12h" or "1d 12h"',
};

/**
 * The form of the kubelet's `register-with-taints`.
 * https://kubernetes.io/docs/reference/command-line-tools-reference/kubelet/
 */
export const TAINT: Form = {
  pattern: `^${TAINT_TEXT}(?:,${TAINT_TEXT})*$`,
  expected: 'a taint such as "key=value:NoSchedule"',
};

/** A name of https://www.iana.org/time-zones, in the upper and lower case of its file. */
export const TIME_ZONE: Form = {
  pattern: "^[A-Z][A-Za-z0-9_+-]*(?:/[A-Z][A-Za-z0-9_+-]*){0,2}$",
  expected: 'the name of a time zone such as "Europe/Berlin"',
};

/** The name of a k3s option in its configuration file; with `+`, its values are added to those of other files. */
export const K3S_OPTION: Form = {
  pattern: "^[A-Za-z][A-Za-z0-9-]*\\+?$",
  expected: 'the name of a k3s option without dashes, such as "tls-san"',
};

const REGISTRY_NAME = "[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\\[[0-9a-fA-F:.]+\\]";

/** The host of an image name, with its port, or "*" for all. */
export const REGISTRY_HOST: Form = {
  pattern: `^(?:\\*|(?:${REGISTRY_NAME})(?::\\d{1,5})?)$`,
  expected: 'the host of a registry such as "docker.io" or "registry.example.com:5000", or "*" for all',
};
