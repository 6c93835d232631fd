-- The best-rated products of each category. AVG of an integer is an integer in Redshift.
unload ('select product_category, product_title, avg(star_rating) as average_rating, count(*) as reviews
         from public.reviews
         group by product_category, product_title
         order by average_rating desc, reviews desc, product_category, product_title')
to 's3://pg-etl-reviews/output/'
iam_role default
allowoverwrite
CSV DELIMITER AS ','
header
parallel off;
