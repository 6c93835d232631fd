-- The reviews as text in place of Parquet: tab-separated, a header line, a folder a product category.
create external schema if not exists lake_reviews
from data catalog
database 'reviews'
iam_role default
create external database if not exists;

create external table lake_reviews.reviews_text (
    review_id varchar(15),
    product_title varchar(500),
    star_rating int,
    helpful_votes int,
    review_date date
)
partitioned by (product_category varchar(25))
row format delimited
fields terminated by '\t'
stored as textfile
location 's3://pg-etl-reviews/tsv/'
table properties ('skip.header.line.count'='1');

alter table lake_reviews.reviews_text add
partition(product_category='Books')
location 's3://pg-etl-reviews/tsv/product_category=Books/'
partition(product_category='Camera')
location 's3://pg-etl-reviews/tsv/product_category=Camera/'
partition(product_category='Grocery')
location 's3://pg-etl-reviews/tsv/product_category=Grocery/'
partition(product_category='Toys')
location 's3://pg-etl-reviews/tsv/product_category=Toys/';

create table public.reviews_text (
    review_id varchar(15),
    product_title varchar(500) distkey,
    star_rating int,
    helpful_votes int,
    review_date date,
    product_category varchar(25)
)
sortkey (review_date);
