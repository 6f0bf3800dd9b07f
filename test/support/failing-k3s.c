/* A k3s that says its version, and otherwise ends at once: what an upgrade must take back. */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--version") == 0) {
    puts("k3s version " VERSION " (00000000)\ngo version go1.25.0");
    return 0;
  }
  fputs("level=fatal msg=\"this release does not start\"\n", stderr);
  return 1;
}
