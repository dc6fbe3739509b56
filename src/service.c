#include "kiefs/service.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "kiefs/say.h"

static struct sockaddr_un manager;
static socklen_t manager_len; /* 0: there is none */

void service_start(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;

	if (len > 0 && len < sizeof(manager.sun_path) && (path[0] == '/' || path[0] == '@')) {
		manager.sun_family = AF_UNIX;
		memcpy(manager.sun_path, path, len);
		/* An abstract name has a zero byte where it is written with "@". */
		if (path[0] == '@')
			manager.sun_path[0] = '\0';
		manager_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	} else if (len > 0) {
		say(SAY_WARNING, "$NOTIFY_SOCKET is no path of a socket: nobody is told that the "
				 "mount is ready.");
	}
	unsetenv("NOTIFY_SOCKET");
}

void service_tell(const char *format, ...)
{
	char *text;
	va_list args;

	if (manager_len == 0)
		return;
	va_start(args, format);
	int len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		return;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, text, (size_t)len, MSG_NOSIGNAL, (struct sockaddr *)&manager,
			      manager_len) < 0)
		say(SAY_WARNING, "The service manager cannot be told: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	free(text);
}
