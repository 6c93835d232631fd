-- Makes look-alike sales: pipe-delimited text, a folder a month, two files each. The same every time.
-- April has the most; May is there too but is never registered as a partition, so nothing may read it.
SELECT setseed(0.2008);

SELECT month, count(*) AS files, sum(sales) AS sales
FROM (
	SELECT month, file, count(*) AS sales,
		etl.s3_put(format('s3://pg-etl-sales/tickit/saledate=%s/%s_part_00', month, lpad(file::text, 4, '0')),
			string_agg(concat_ws('|', id, id + 9, seller, buyer, event, date_part('doy', at)::int + 1825, tickets,
				price * tickets, (price * tickets * 0.15)::numeric(8,2), to_char(at, 'YYYY-MM-DD HH24:MI:SS')),
				E'\n' ORDER BY id) || E'\n')
	FROM (
		SELECT month, id, id % 2 AS file,
			(1 + random() * 49989)::int AS seller, (1 + random() * 49989)::int AS buyer,
			(1 + random() * 8797)::int AS event, (20 + random() * 380)::numeric(8,0) AS price,
			CASE WHEN random() < 0.004 THEN 5 + (random() * 3)::int ELSE 1 + (random() * 3)::int END AS tickets,
			(month || '-01')::timestamp + random() * interval '28 days' AS at
		FROM (VALUES ('2008-01', 7574), ('2008-03', 2664), ('2008-04', 12851), ('2008-05', 13451)) AS m(month, sales),
			LATERAL (SELECT m.sales * 10 + i AS id FROM generate_series(1, m.sales) AS i) AS s
		ORDER BY month, id
	) AS sale
	GROUP BY month, file
) AS put
GROUP BY month
ORDER BY month;
