/* write_bundle.c - the bundle of all migrations with its record: sorted, so that the order in which
 * the files come makes no difference */
#include "compiler/write.h"
#include <stdlib.h>

static int by_migration(const void *a, const void *b)
{
	return str_compare(((const struct bundle_entry *)a)->name,
			   ((const struct bundle_entry *)b)->name);
}

static int by_shown(const void *a, const void *b)
{
	const struct record_file *x = a, *y = b;
	int order = str_compare(x->shown, y->shown);

	return order ? order : memcmp(&x->hash, &y->hash, sizeof(x->hash));
}

static int by_name(const void *a, const void *b)
{
	return str_compare(((const struct record_library *)a)->name,
			   ((const struct record_library *)b)->name);
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void sort(void *at, size_t count, size_t size, int (*order)(const void *, const void *))
{
	if (count)
		qsort(at, count, size, order);
}

/* All libraries that the files use, each once, sorted. */
static void gather_libraries(const struct written_file *files, size_t count, struct record *r)
{
	VEC(struct record_library) all = {0};
	struct map seen = {0};

	for (size_t i = 0; i < count; i++) {
		for (uint32_t n = 0; n < files[i].use_count; n++) {
			struct record_library *l = &files[i].libraries[files[i].uses[n]];

			if (!map_add(&seen, l->name, l))
				vec_push(&all, *l);
		}
	}
	map_clear(&seen);
	sort(all.at, all.count, sizeof(*all.at), by_name);
	r->library_count = (uint32_t)all.count;
	r->libraries = arena_array(&r->arena, struct record_library, all.count);
	if (all.count)
		memcpy(r->libraries, all.at, arena_bytes(sizeof(*all.at), all.count));
	vec_clear(&all);
}

/* False: a library was changed while the files were compiled, so that two of them saw different
 * ones. */
static bool renumber(const struct written_file *file, struct record *r, struct record_file *out)
{
	uint32_t *uses = arena_array(&r->arena, uint32_t, file->use_count);

	for (uint32_t i = 0; i < file->use_count; i++) {
		const struct record_library *l = &file->libraries[file->uses[i]];
		const struct record_library *found =
			bsearch(l, r->libraries, r->library_count, sizeof(*l), by_name);

		if (!hash_eq(found->hash, l->hash))
			return false;
		uses[i] = (uint32_t)(found - r->libraries);
	}
	sort(uses, file->use_count, sizeof(*uses), by_number);
	out->uses = uses;
	out->use_count = file->use_count;
	return true;
}

static void gather_files(const struct written_file *files, size_t count, const struct bundle *b,
			 struct record *r)
{
	r->files = arena_array(&r->arena, struct record_file, count);
	for (size_t i = 0; i < count; i++) {
		struct record_file *file = &r->files[r->file_count];

		*file = (struct record_file){ .shown = files[i].shown, .hash = files[i].hash };
		if (files[i].head)
			file->entry = bundle_find(b, files[i].head->name);
		if (files[i].is_silent && renumber(&files[i], r, file))
			r->file_count++;
	}
	sort(r->files, r->file_count, sizeof(*r->files), by_shown);
}

void write_bundle(const struct written_file *files, size_t count, struct bundle_parts *out)
{
	struct bundle_entry *entries = must_alloc(arena_bytes(sizeof(*entries), count));
	struct bundle all = { .entries = entries };
	struct record r = {0};
	struct buf record = {0};

	for (size_t i = 0; i < count; i++)
		if (files[i].head)
			entries[all.count++] = (struct bundle_entry){
				files[i].head->name, files[i].image, files[i].identity
			};
	sort(entries, all.count, sizeof(*entries), by_migration);
	gather_libraries(files, count, &r);
	gather_files(files, count, &all, &r);
	record_write(&r, entries, &record);
	bundle_write(entries, all.count, &record, out);
	record_clear(&r);
	free(entries);
}
