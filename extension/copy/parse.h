/*
 * parse.h
 *		A load's files to batches of records: decompressed, decoded, split, each value read.
 *
 * Needs no database and no session, so that it can be done beside the backend (copy/parse_worker.h).
 */
#ifndef ETL_COPY_PARSE_H
#define ETL_COPY_PARSE_H

#include "postgres.h"

#include "base/stream.h"
#include "copy/plan.h"
#include "lib/stringinfo.h"

typedef struct EtlLoadParser EtlLoadParser;

/* In the current context; the plan must outlive it. */
extern EtlLoadParser *load_parser_create(const EtlLoadPlan *plan);
/* Begin a file, whose bytes, as they are stored, are the stream's. The parser closes it. */
extern void load_parser_open(EtlLoadParser *parser, int file, EtlReader *stream);
/*
 * The next records of that file as a batch (copy/batch.h), in place of what `batch` had; false: there are no more. A
 * record that can't be read is in the batch as an error; a file that can't be read is raised, with its name.
 */
extern bool load_parser_next(EtlLoadParser *parser, StringInfo batch);

#endif
