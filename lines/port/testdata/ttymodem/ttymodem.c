/*
 * ttymodem.c: gives the PTYs of one program modem lines, for tests.
 *
 * A PTY has none: TIOCMGET fails with ENOTTY, and a BREAK vanishes. Preloaded
 * into a program (LD_PRELOAD), this library answers in the kernel's place:
 *
 *   TTYMODEM_IN   a file; each TIOCMGET reads it. Its words say which lines the
 *                 modem has on: dcd dsr cts ri.
 *   TTYMODEM_OUT  a FIFO or file; gets a line for each change of what the
 *                 program drives: "dtr rts", "dtr", "rts", "none", and
 *                 "break on", "break off".
 *
 * It knows one modem: use it with programs that open one terminal.
 *
 *   gcc -shared -fPIC -O2 -o ttymodem.so ttymodem.c -ldl
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static int driven; /* TIOCM_DTR and TIOCM_RTS as the program last set them */

static const struct {
	const char *word;
	int bit;
} inputs[] = {
	{ "dcd", TIOCM_CAR }, { "dsr", TIOCM_DSR }, { "cts", TIOCM_CTS }, { "ri", TIOCM_RNG },
};

static void tell(const char *line)
{
	const char *path = getenv("TTYMODEM_OUT");
	int fd = path ? open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	if (write(fd, line, strlen(line)) < 0) {
		/* nobody listens */
	}
	close(fd);
}

static void drive(int bits)
{
	bits &= TIOCM_DTR | TIOCM_RTS;
	if (bits == driven)
		return;
	driven = bits;
	switch (bits) {
	case TIOCM_DTR | TIOCM_RTS: tell("dtr rts\n"); break;
	case TIOCM_DTR: tell("dtr\n"); break;
	case TIOCM_RTS: tell("rts\n"); break;
	default: tell("none\n");
	}
}

static int lines(void)
{
	const char *path = getenv("TTYMODEM_IN");
	char text[64];
	int bits = driven;
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n;

	if (fd < 0)
		return bits;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
		if (strstr(text, inputs[i].word))
			bits |= inputs[i].bit;
	return bits;
}

static int is_pty(int fd)
{
	char name[32];

	return ttyname_r(fd, name, sizeof name) == 0 && strncmp(name, "/dev/pts/", 9) == 0;
}

static int modem(unsigned long request, void *argument)
{
	switch (request) {
	case TIOCMGET: *(int *)argument = lines(); break;
	case TIOCMSET: drive(*(int *)argument); break;
	case TIOCMBIS: drive(driven | *(int *)argument); break;
	case TIOCMBIC: drive(driven & ~*(int *)argument); break;
	case TIOCSBRK: tell("break on\n"); break;
	case TIOCCBRK: tell("break off\n"); break;
	}
	return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	static int (*next)(int, unsigned long, ...);
	va_list list;
	void *argument;
	int result;

	va_start(list, request);
	argument = va_arg(list, void *);
	va_end(list);
	switch (request) {
	case TIOCMGET: case TIOCMSET: case TIOCMBIS: case TIOCMBIC: case TIOCSBRK: case TIOCCBRK:
		if (!is_pty(fd))
			break;
		pthread_mutex_lock(&guard);
		result = modem(request, argument);
		pthread_mutex_unlock(&guard);
		return result;
	}
	if (!next)
		next = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
	return next(fd, request, argument);
}
