/*
 * record_reader.h
 *		From a load's options to what reads its files: the one place that knows all formats.
 */
#ifndef ETL_COPY_RECORD_READER_H
#define ETL_COPY_RECORD_READER_H

#include "postgres.h"

#include "base/stream.h"
#include "copy/plan.h"

/* Raise what is wrong with the options together, before any file is looked at. */
extern void record_reader_check(const EtlLoadPlan *plan);
/* The file's text, given its bytes as they are stored. Takes over the stream. */
extern EtlReader *record_reader_stream(const EtlLoadOptions *options, EtlReader *stream);
extern EtlRecordReader *record_reader_create(const EtlLoadPlan *plan);
/* For the bytes of one record, as its `raw` was. */
extern EtlRecordReader *record_reader_create_for_one(const EtlLoadPlan *plan);
/* DATEFORMAT and TIMEFORMAT. */
extern void record_reader_time_formats(const EtlLoadOptions *options, EtlValueRules *rules);

#endif
