import type { Asker } from "../../lib/tools/terminal/prompt.ts";

export interface ScriptedAsker extends Asker {
  /** The questions that came up, in order. */
  readonly asked: readonly string[];
  /** What was shown, and what was found wrong with an answer. */
  readonly shown: readonly string[];
  /** Answers that nobody asked for. */
  readonly left: readonly Answer[];
}

/** For a choice, the name of it. */
export type Answer = string | boolean;

/** Somebody who answers one question after the other; an answer that is refused is followed by the next. */
export function scriptedAsker(answers: readonly Answer[]): ScriptedAsker {
  const left = [...answers];
  const asked: string[] = [];
  const shown: string[] = [];
  const next = (message: string): Answer => {
    const answer = left.shift();
    if (answer === undefined) throw new Error(`No answer to "${message}"`);
    return answer;
  };
  const text: Asker["text"] = async (message, check) => {
    asked.push(message);
    for (;;) {
      const answer = String(next(message));
      const problem = await check(answer);
      if (problem === undefined) return answer;
      shown.push(problem);
    }
  };
  return {
    asked,
    shown,
    left,
    text,
    secret: text,
    confirm: async (message) => {
      asked.push(message);
      const answer = next(message);
      if (typeof answer !== "boolean") throw new Error(`"${answer}" is no answer to "${message}"`);
      return answer;
    },
    choose: async (message, choices) => {
      asked.push(message);
      const answer = next(message);
      const choice = choices.find(({ name, disabled }) => name === answer && disabled === undefined);
      if (choice === undefined) throw new Error(`"${answer}" is no choice of "${message}"`);
      return choice.value;
    },
    show: async (what) => {
      shown.push(what);
    },
  };
}
