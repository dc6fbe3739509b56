/*
 * What a service manager is told: the protocol of sd_notify(3). Says nothing where $NOTIFY_SOCKET
 * is not set.
 */
#pragma once

/* Takes $NOTIFY_SOCKET out of the environment: it is not for the programs that are started. Before
 * any thread. */
void service_start(void);
/* Lines as "READY=1\nSTATUS=...". From any thread. */
void service_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
