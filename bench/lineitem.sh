# lineitem.sh: sourced after cluster.sh. A table of 16 columns like TPC-H's lineitem, and rows for it.
lineitem_columns="l_orderkey bigint, l_partkey bigint, l_suppkey bigint, l_linenumber int, l_quantity numeric(12,2),
  l_extendedprice numeric(12,2), l_discount numeric(12,2), l_tax numeric(12,2), l_returnflag char(1), l_linestatus char(1),
  l_shipdate date, l_commitdate date, l_receiptdate date, l_shipinstruct varchar(25), l_shipmode varchar(10), l_comment varchar(44)"

# lineitem_table NAME: an empty one
lineitem_table() { sql "DROP TABLE IF EXISTS $1; CREATE TABLE $1 ($lineitem_columns); CHECKPOINT" 2>/dev/null; }

# lineitem_fill TABLE ROWS: the same rows each time; a tenth of the comments have a comma or a quote
lineitem_fill() {
  sql "CREATE TEMP TABLE comment AS SELECT i AS id, left(string_agg(word, ' ' ORDER BY k) || CASE i % 10 WHEN 0 THEN ', \"so\"' ELSE '' END, 44) AS text
         FROM generate_series(0, 4999) i, generate_series(1, 4) k,
           LATERAL (SELECT ('{carefully,final,deposits,quickly,regular,requests,pending,accounts,express,ideas,furiously,ironic,packages,silent}'::text[])
             [1 + (i * 7 + k * k * 13 + i / 14 * k) % 14] AS word) w GROUP BY i;
       INSERT INTO $1 SELECT i / 4 * 8 + 1, h % 200000 + 1, h % 10000 + 1, i % 4 + 1, h % 50 + 1, (h % 9000000) / 100.0 + 900, h % 11 / 100.0, h % 9 / 100.0,
           substr('RAN', (h % 3)::int + 1, 1), substr('OF', (h % 2)::int + 1, 1), '1992-01-01'::date + (h % 2500)::int, '1992-02-01'::date + (h / 7 % 2500)::int,
           '1992-01-15'::date + (h / 11 % 2500)::int, ('{DELIVER IN PERSON,COLLECT COD,NONE,TAKE BACK RETURN}'::text[])[h % 4 + 1],
           ('{AIR,RAIL,TRUCK,SHIP,MAIL,FOB,REG AIR}'::text[])[h % 7 + 1], text
         FROM (SELECT i, i * 2654435761 % 4294967296 AS h FROM generate_series(0::bigint, $2 - 1) i) r JOIN comment c ON c.id = h / 3 % 5000"
}
