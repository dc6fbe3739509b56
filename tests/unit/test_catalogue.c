/* The catalogue: the built-in one is whole, files extend and replace it, bad files are refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kiefs/catalogue.h"
#include "kiefs/error.h"
#include "model_ids.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct catalogue *load(void)
{
	struct catalogue *catalogue = NULL;
	struct error err = {0};

	if (catalogue_load(NULL, NULL, 0, &catalogue, &err) < 0)
		fail_msg("%s", error_text(&err));
	return catalogue;
}

static void test_builtin_holds_every_model(void **state)
{
	struct catalogue *catalogue = load();

	assert_int_equal(catalogue_count(catalogue), COUNT(model_ids));
	for (size_t i = 0; i < COUNT(model_ids); i++) {
		const struct model *model = catalogue_find(catalogue, model_ids[i]);
		assert_non_null(model);
		assert_string_equal(model->id, model_ids[i]);
		assert_ptr_equal(catalogue_at(catalogue, i), model);
		assert_string_equal(model->service->name, "jobs");
		assert_true(model->field_count > 0);
		assert_non_null(model->example);
		assert_true(!model->retired || model->note);
	}
	assert_null(catalogue_find(catalogue, "no/such"));
	catalogue_destroy(catalogue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_builtin_holds_every_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
