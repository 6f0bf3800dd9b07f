/**
 * What `work` comes to, or what `late` makes of it, or throws, where that takes longer than `milliseconds`. The work itself is
 * not stopped; what it then comes to is nobody's.
 */
export async function within<T>(milliseconds: number, work: Promise<T>, late: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  try {
    return await Promise.race([work, over.then(late)]);
  } finally {
    clearTimeout(timer);
  }
}
