/* The whole simulator. Every part locks for itself; no part calls another while it holds its lock.
 */
#pragma once

#include "account.h"
#include "delay.h"
#include "fault.h"
#include "fetch.h"
#include "ledger.h"
#include "options.h"
#include "product.h"
#include "routes.h"
#include "sim_clock.h"
#include "tasks.h"
#include "uploads.h"

struct callbacks;
struct catalogue;

struct sim {
	struct options options;
	struct sim_clock clock;
	struct catalogue *catalogue;
	struct account account;
	struct tasks tasks;
	struct uploads uploads;
	struct fetches fetches;
	struct fault_rules faults;
	struct ledger ledger;
	struct products products;
	struct delay delay;
	struct routes routes;
	struct callbacks *callbacks;
};
