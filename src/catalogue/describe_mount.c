#include <string.h>

#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/describe.h"
#include "kiefs/price.h"
#include "words.h"

const struct model *describe_first(const struct catalogue *catalogue, double *credits)
{
	const struct model *best = NULL;
	double price;

	for (size_t i = 0; i < catalogue_count(catalogue); i++) {
		const struct model *model = catalogue_at(catalogue, i);
		bool media = false;

		for (int kind = MEDIA_IMAGE; kind <= MEDIA_FILE; kind++)
			media = media || model_takes_media(model, (enum media_kind)kind, false);
		if (media || model->retired || !model->prompt ||
			strcmp(model->output, "image") != 0 ||
			price_of(model, model->example, &price) != 0)
			continue;
		if (!best || price < *credits) {
			best = model;
			*credits = price;
		}
	}
	return best;
}

static void add_counts(const struct catalogue *catalogue, struct buf *out)
{
	static const char *const categories[] = {"image", "video", "audio", "chat", "other"};
	static const char *const words[] = {"pictures", "films", "sound", "text", "other things"};
	size_t retired = 0;

	buf_adds(out, "There are");
	for (size_t c = 0; c < sizeof(categories) / sizeof(categories[0]); c++) {
		size_t count = 0;

		for (size_t i = 0; i < catalogue_count(catalogue); i++) {
			const struct model *model = catalogue_at(catalogue, i);
			count += !model->retired && strcmp(model->category, categories[c]) == 0;
			retired += c == 0 && model->retired;
		}
		if (count > 0)
			buf_addf(out, " %zu for %s,", count, words[c]);
	}
	buf_addf(out, " and %zu that the service has retired; their README.md says so.\n", retired);
}

static void add_first_steps(const struct catalogue *catalogue, struct buf *out)
{
	double credits = 0;
	const struct model *model = describe_first(catalogue, &credits);

	if (!model)
		return;
	buf_addf(out,
		"\n## The first picture\n\n"
		"    cd models/%s\n"
		"    echo 'A red kite over a green hill at noon.' > kite.txt\n"
		"    cat kite.wait\n"
		"    ls -l kite.*\n\n"
		"`cat kite.wait` ends when the picture is there, beside `kite.txt`. With a key it "
		"costs %.6g credits (%.4g USD).\n",
		model->id, credits, credits * USD_PER_CREDIT);
}

static const char intro[] =
	"# Pictures, films and sound, as files\n\n"
	"Each model of the KIE service is a directory here. A file that you write into it is a\n"
	"request; the finished picture, film or sound appears beside it. Looking around costs\n"
	"nothing: only a request that you write is sent, once, and paid for once.\n";

static const char by_hand[] =
	"\n## In a file manager\n\n"
	"1. Open `by-category`, then `image`, `video` or `audio`, then a model. Its `README.md` "
	"says\n"
	"   what it makes and what it costs.\n"
	"2. Make a new text file there, such as `kite.txt`, write what you want to see, and save.\n"
	"   Or drop a text file there that you have.\n"
	"3. `kite.status` shows how far it is; the picture appears beside it by itself. If\n"
	"   something is wrong there is `kite.error` instead: open it, it says what to do.\n\n"
	"Where a model works on a picture or a film, drop that into its directory too, under the\n"
	"same name (`kite.png` with `kite.txt`).\n";

static const char writing[] =
	"\n## What is where\n\n"
	"    gallery.html             open it in a browser: all results as pictures, newest "
	"first\n"
	"    models/ID/README.md      what the model makes, its fields, its price, commands to "
	"try\n"
	"    models/ID/schema.json    its fields as JSON Schema\n"
	"    models/ID/example.json   a request that is accepted as it stands\n"
	"    models/ID/defaults.json  yours to write: put under every request in this directory\n"
	"    tasks/all/N/             every task: request.json (what was sent), status, log,\n"
	"                             record.json (what the service answered), results, control\n"
	"    tasks/latest             the newest task\n"
	"    uploads/FILE             yours to write: the file is uploaded, and uploads/FILE.url "
	"is\n"
	"                             its address, for some days\n"
	"    tasks/active, held, done, failed   the same tasks, sorted by how they stand\n"
	"    tasks/by-day/DATE/       and by the day on which they were made (UTC)\n"
	"    account/                 credits (what is left), spend.csv (by day and model), "
	"limits\n"
	"    by-category/             the models by what they make, as links\n"
	"    search/WORDS/            the models that the words mean, as links: ls 'search/fox "
	"upscale'\n"
	"    .kiefs/                  stats, log, config and catalogue of the mount itself\n"
	"\n## Writing a request\n\n"
	"A file named `*.txt`, `*.md` or `*.prompt` is a prompt: its text goes into the model's\n"
	"text field. A file named `*.json` is a request in JSON: the fields as README.md lists\n"
	"them. It is sent when the file is closed; with `cp`, `mv`, an editor or `>` all the "
	"same.\n"
	"Any other name (backups, swap files, names that start with a dot) is an ordinary file "
	"and\n"
	"is never sent. Empty files are nothing. You may make directories inside a model's\n"
	"directory to sort your requests.\n\n"
	"To try something else, change the file or write another one: earlier results stay, and\n"
	"new ones get the next free number. The same bytes again are no new request.\n";

static const char files[] =
	"\n## Giving it files\n\n"
	"Where a model takes a picture, a film or a sound, the file's name will do:\n\n"
	"- `NAME.png` beside `NAME.txt` goes with that prompt, where the model needs one. Until\n"
	"  it is there the task is `incomplete`: it waits, and costs nothing.\n"
	"- A model that needs one file and nothing else (one that removes the background, one\n"
	"  that enlarges) runs when the file is copied into its directory.\n"
	"- In JSON, write the name where the field wants an address: a file in the same\n"
	"  directory or in uploads/, a path, or a result (`../other/fox-1.png`).\n\n"
	"The file is uploaded when the request is sent, once however many requests name it. Where\n"
	"a model goes on from an earlier task, the name of that request or of its result is\n"
	"enough, before it is done too: `{\"task_id\": \"../text-to-image/kite\"}`.\n";

static const char rest[] =
	"\n## Waiting\n\n"
	"For a request `NAME.txt`:\n\n"
	"- `NAME.status` is there while it runs and says how far it is, in one line.\n"
	"- `cat NAME.wait` ends when the result is there; it fails when the request failed. The\n"
	"  name is not listed, but can always be opened.\n"
	"- `NAME.png`, `NAME.mp4`, `NAME.mp3` and so on is the result; several are `NAME-1.png`,\n"
	"  `NAME-2.png`. It appears only when it is whole.\n"
	"- `NAME.task` (not listed either) leads to the task's directory.\n\n"
	"`kiefs wait FILE...` waits for many, with a bar for each; `kiefs top` shows what is "
	"under\n"
	"way, what waits and what was spent.\n"
	"\n## Talking\n\n"
	"A model that answers in text writes `NAME.md`, which grows while the answer comes\n"
	"(`tail -f NAME.md`). A folder in its directory is also a conversation:\n\n"
	"    mkdir talk\n"
	"    echo 'Hello.' > talk/prompt    # each write is a turn\n"
	"    cat talk/prompt.wait talk/reply\n\n"
	"`talk/history.md` holds all of it, `talk/system` (yours to write) says what the model\n"
	"is to be. Pictures that you put into `talk/` go with the next turn.\n"
	"\n## When something is wrong\n\n"
	"A request that the model cannot take is refused at once: `cp` or the editor reports an\n"
	"error, and `NAME.error` says which field, which value, and what is allowed. Mend the "
	"file\n"
	"and save it again. A task that fails later leaves `NAME.error` too, with what to do "
	"next.\n"
	"Without a key, without credits, or over limit_per_day, a request is held and goes on by\n"
	"itself once that is put right. One that costs more than limit_per_task is refused.\n"
	"\n## Commands to a task\n\n"
	"    echo retry  > tasks/all/N/control   send a failed request once more; it is paid as "
	"new\n"
	"    echo fetch  > tasks/all/N/control   look again for a lost result, at no cost\n"
	"    echo resend > tasks/all/N/control   send it although the first answer never came\n"
	"    echo cancel > tasks/all/N/control   give it up; free as long as it was not sent\n\n"
	"`resend` is for the rare task whose status is `uncertain`: the connection broke after "
	"the\n"
	"request had left, and it may or may not have been taken. It is never sent again by "
	"itself,\n"
	"because it could then be paid for twice.\n\n"
	"A model that is not here yet: `echo 'add-model acme/new' > .kiefs/control` makes its\n"
	"directory; nothing in its requests is checked. `echo refresh > .kiefs/control` asks the\n"
	"service for its models.\n\n"
	"Removing a request that was not sent yet cancels it. Removing a result removes your "
	"copy.\n";

int describe_mount(const struct catalogue *catalogue, struct buf *out)
{
	buf_adds(out, intro);
	add_first_steps(catalogue, out);
	buf_addf(out, "\n`ls models` shows all %zu models. ", catalogue_count(catalogue));
	add_counts(catalogue, out);
	buf_adds(out, by_hand);
	buf_adds(out, writing);
	buf_adds(out, files);
	buf_adds(out, rest);
	return out->error;
}
