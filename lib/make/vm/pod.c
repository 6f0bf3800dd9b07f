/*
 * What the pods of our virtual machines run. Without an argument it waits for the signal to end, as the sandbox of a pod
 * does. With one, it answers every connection to port 8080 by it, in HTTP.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void end(int number) {
  (void)number;
  _exit(0);
}

int main(int argc, char **argv) {
  signal(SIGTERM, end); /* process 1 of a container has no default actions */
  signal(SIGINT, end);
  signal(SIGCHLD, SIG_IGN);
  while (argc < 2) pause();
  int one = 1, server = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(8080)};
  setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(server, (struct sockaddr *)&any, sizeof any) != 0 || listen(server, 8) != 0) {
    perror("Cannot listen on port 8080");
    return 1;
  }
  for (;;) {
    char request[4096];
    int client = accept(server, NULL, NULL);
    if (client < 0) continue;
    if (read(client, request, sizeof request) > 0)
      dprintf(client, "HTTP/1.0 200 OK\r\nContent-Length: %zu\r\n\r\n%s\n", strlen(argv[1]) + 1, argv[1]);
    close(client);
  }
}
