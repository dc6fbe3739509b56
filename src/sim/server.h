/* The HTTP server around the routes. */
#pragma once

struct error;
struct sim;

struct server;

/* Listens as sim->options say and sets the port it got there. 0 or -errno with `err`. */
int server_start(struct sim *sim, struct server **out, struct error *err);
/* Ends every connection. Nothing may be suspended any more when this is called. NULL is fine. */
void server_stop(struct server *server);
/* Takes no new connection; call before what wakes suspended ones is stopped. */
void server_quiesce(struct server *server);
