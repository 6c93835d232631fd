/*
 * copy_job.h
 *		COPY JOB …, and JOB CREATE at the end of a COPY.
 */
#ifndef ETL_DIALECT_COPY_JOB_H
#define ETL_DIALECT_COPY_JOB_H

#include "dialect/options.h"
#include "dialect/translate.h"

typedef struct EtlCopyJob
{
	int token; /* where JOB stands; 0: there is no such clause */
	char *name;
	bool automatic;
} EtlCopyJob;

/* At the word after COPY. A table may be called job: FROM or a bracket follows then. */
extern bool copy_job_is_next(const EtlParser *parser);
extern EtlFamilyResult translate_copy_job(EtlParser *parser, EtlTranslation *out);

/*
 * Take JOB CREATE name [AUTO ON | OFF] from the end of the statement, if it is there: `copy` gets what stands before it,
 * from the cursor on.
 */
extern bool copy_job_split(EtlParser *parser, EtlParser *copy, EtlCopyJob *job);
/* The COPY's options go with a job. */
extern bool copy_job_check_options(EtlParser *parser, const EtlCopyJob *job, const EtlOptions *options);
/* The arguments of etl.copy_job_create behind those that etl.load has, too. */
extern void copy_job_append(StringInfo sql, const EtlParser *parser, const EtlCopyJob *job);

#endif
