/*
 * json_paths.h
 *		Paths into nested values, as the files of COPY's JSON and XML options have them. Pure.
 *
 *		{"jsonpaths": ["$['a']['b'][0]", "$.c.d", "$"]}
 *
 * A path is $ and steps: a member by name (.name or ['name'] or ["name"]) or an element by its number, from 0 ([0]). "$"
 * alone is the whole record. Nothing that could be more than one value is known: no *, no .., no filter.
 */
#ifndef ETL_FORMAT_JSON_PATHS_H
#define ETL_FORMAT_JSON_PATHS_H

#include "base/error.h"
#include "base/platform.h"

#define ETL_JSON_MAX_STEPS 100 /* of a path */

typedef struct EtlJsonStep
{
	const char *name; /* NUL-terminated; NULL: an element */
	int len;
	int index;
} EtlJsonStep;

typedef struct EtlJsonPath
{
	const EtlJsonStep *steps;
	int count;
} EtlJsonPath;

typedef struct EtlJsonPaths
{
	EtlJsonPath *paths;
	int count;
} EtlJsonPaths;

/*
 * Read a paths file. Its list of paths is the member called `member`, "jsonpaths" or ours, "xmlpaths"; a file without it
 * is an error. What is allocated lives as long as the current context. false: 22023 with the path and what is wrong.
 */
extern bool json_paths_parse(const char *text, size_t len, const char *member, EtlJsonPaths *out,
							 EtlError *error);

#endif
