-- The reviews, here rather than on a warehouse: each step and its record commit together.
INSERT INTO etl.workflow (name, description) VALUES
	('reviews', 'Load the reviews, report on them in three ways, tell who waits for it');

INSERT INTO etl.task (workflow, name, sql, depends_on) VALUES
	('reviews', 'load', $$
		truncate table public.reviews_text;
		insert into public.reviews_text select * from lake_reviews.reviews_text$$, '{}'),
	('reviews', 'by_category', $$
		unload ('select product_category, avg(star_rating::decimal(4,2))::decimal(4,2) as average_rating, count(*) as reviews
		         from public.reviews_text group by product_category order by average_rating desc, product_category')
		to 's3://pg-etl-reviews/by_category/' iam_role default csv header parallel off allowoverwrite$$, '{load}'),
	('reviews', 'by_month', $$
		unload ('select date_trunc(''month'', review_date)::date as month, avg(star_rating::decimal(4,2))::decimal(4,2) as average_rating
		         from public.reviews_text group by 1 order by 1')
		to 's3://pg-etl-reviews/by_month/' iam_role default csv header parallel off allowoverwrite$$, '{load}'),
	('reviews', 'most_helpful', $$
		unload ('select product_title, review_id, helpful_votes from public.reviews_text
		         where star_rating = 5 and helpful_votes >= 45 order by helpful_votes desc, review_id')
		to 's3://pg-etl-reviews/most_helpful/' iam_role default csv header parallel off allowoverwrite$$, '{load}');

INSERT INTO etl.task (workflow, name, resource, arguments, depends_on) VALUES
	('reviews', 'publish', 'arn:aws:states:::sns:publish',
		'{"TopicArn": "arn:aws:sns:us-east-1:000000000000:reports", "Message": "The reviews are there."}',
		'{by_category,by_month,most_helpful}');
