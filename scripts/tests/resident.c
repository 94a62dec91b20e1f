// SPDX-License-Identifier: GPL-2.0
/*
 * Preloaded into a program, keeps it in memory: for each call that is asked for on
 * standard input it forks and runs the program's own main() in the child. What an
 * emulated or user-mode kernel does slowest is to start programs: mapping a dozen
 * libraries costs ten times what the program then does.
 *
 * A call is words, each ended by a NUL byte: an id, the number of those that follow, the
 * standard input, a network namespace of `ip netns` ("-" for the initial one), and the
 * arguments, the program's name first. The answer goes to standard output: "\2ID" on a
 * line and the call's output, "\3ID" on a line and its standard error (both only if
 * there is some), and the line "\1ID STATUS".
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <unistd.h>

static int (*program)(int, char **, char **);
static char **environment;
static int streams[3]; /* what a call has for 0, 1 and 2 */
static FILE *calls;
static int answers;

/* The next word, or the end of this process with the last call. */
static char *word(void)
{
	char *text = NULL;
	size_t size = 0;

	if (getdelim(&text, &size, '\0', calls) < 0)
		_exit(0);
	return text;
}

static void enter(const char *netns)
{
	char path[256];
	int fd;

	if (!strcmp(netns, "-"))
		return;
	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		err(1, "Cannot open network namespace \"%s\"", netns);
	close(fd);
}

static int run(int argc, char **argv, const char *netns)
{
	pid_t pid;
	int status, i;

	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		for (i = 0; i < 3; i++)
			dup2(streams[i], i);
		enter(netns);
		exit(program(argc, argv, environment));
	}
	while (waitpid(pid, &status, 0) < 0)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* What a call has left in one of its streams. */
static void show(int fd, int mark, const char *id)
{
	off_t size = lseek(fd, 0, SEEK_END), done = 0;
	char last = 0;

	if (size <= 0)
		return;
	dprintf(answers, "%c%s\n", mark, id);
	while (done < size)
		if (sendfile(answers, fd, &done, size - done) <= 0)
			err(1, "sendfile");
	if (pread(fd, &last, 1, size - 1) == 1 && last != '\n')
		dprintf(answers, "\n");
}

static int serve(int argc, char **argv, char **envp)
{
	char *id, *input, *netns;
	int status, i;

	(void)argc, (void)argv;
	environment = envp;
	calls = fdopen(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), "r");
	answers = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (!calls || answers < 0)
		err(1, "no descriptors");
	for (i = 0; i < 3; i++)
		streams[i] = memfd_create("stream", MFD_CLOEXEC);
	for (;;) {
		id = word();
		input = word();
		argc = atoi(input) - 2;
		free(input);
		input = word();
		netns = word();
		argv = calloc(argc + 1, sizeof(*argv));
		for (i = 0; i < argc; i++)
			argv[i] = word();
		for (i = 0; i < 3; i++)
			if (ftruncate(streams[i], 0) || lseek(streams[i], 0, SEEK_SET))
				err(1, "memfd");
		if (*input && pwrite(streams[0], input, strlen(input), 0) < 0)
			err(1, "memfd");

		status = run(argc, argv, netns);
		show(streams[1], 2, id);
		show(streams[2], 3, id);
		dprintf(answers, "\1%s %d\n", id, status);
		for (i = 0; i < argc; i++)
			free(argv[i]);
		free(argv);
		free(id);
		free(input);
		free(netns);
	}
}

int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv,
		      void (*init)(void), void (*fini)(void), void (*ldfini)(void), void *end)
{
	int (*start)(int (*)(int, char **, char **), int, char **, void (*)(void),
		     void (*)(void), void (*)(void), void *);

	*(void **)&start = dlsym(RTLD_NEXT, "__libc_start_main");
	program = main;
	/* Not for what the program may start. */
	unsetenv("LD_PRELOAD");
	return start(serve, argc, argv, init, fini, ldfini, end);
}
