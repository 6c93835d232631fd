-- Makes look-alike reviews: tab-separated text with a header line, a folder a product category. The same every time.
SELECT setseed(0.2015);

SELECT category, count(*) AS reviews,
	etl.s3_put(format('s3://pg-etl-reviews/tsv/product_category=%s/reviews.tsv', category),
		E'review_id\tproduct_title\tstar_rating\thelpful_votes\treview_date\n' ||
		string_agg(concat_ws(E'\t', 'R' || upper(substr(md5(category || i), 1, 12)), product, stars, votes, day),
			E'\n' ORDER BY i) || E'\n') IS NOT NULL AS stored
FROM (
	SELECT category, i, day,
		products[1 + floor(random() * 4)::int] AS product,
		greatest(1, 5 - floor(random() ^ 2 * spread)::int) AS stars,
		floor(random() ^ 4 * 50)::int AS votes
	FROM (VALUES
			('Books', 5.0, 3000, '{Field Guide to Clouds,A Short History of Salt,The Night Ferry,Bread at Home}'::text[]),
			('Camera', 6.5, 2000, '{Pocket Tripod,Lens Cloth,Travel Camera X2,Macro Ring Light}'),
			('Grocery', 4.5, 2500, '{Olive Oil 1 l,Rye Crackers,Mountain Tea,Wild Honey}'),
			('Toys', 5.5, 2500, '{Wooden Train,Kite,Marble Run,Sailing Boat}')) AS c(category, spread, reviews, products),
		LATERAL (SELECT i, date '2015-01-01' + floor(random() * 365)::int AS day
				 FROM generate_series(1, c.reviews) AS i) AS r
	ORDER BY category, i
) AS review
GROUP BY category
ORDER BY category;
