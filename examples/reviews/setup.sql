-- Product reviews in S3 as Parquet, a folder a product category, and the table they are loaded into.
drop table if exists lake_reviews.reviews;
drop table if exists public.reviews;

create external schema if not exists lake_reviews
from data catalog
database 'reviews'
iam_role default
create external database if not exists;

create external table lake_reviews.reviews (
    marketplace varchar(10),
    customer_id varchar(15),
    review_id varchar(15),
    product_id varchar(25),
    product_parent varchar(15),
    product_title varchar(500),
    star_rating int,
    helpful_votes int,
    total_votes int,
    vine varchar(5),
    verified_purchase varchar(5),
    review_headline varchar(500),
    review_body varchar(max),
    review_date date,
    year int
)
partitioned by (product_category varchar(25))
row format serde 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
stored as inputformat 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
outputformat 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
location 's3://pg-etl-reviews/parquet/';

alter table lake_reviews.reviews add
partition(product_category='Apparel')
location 's3://pg-etl-reviews/parquet/product_category=Apparel/'
partition(product_category='Automotive')
location 's3://pg-etl-reviews/parquet/product_category=Automotive/'
partition(product_category='Baby')
location 's3://pg-etl-reviews/parquet/product_category=Baby/'
partition(product_category='Beauty')
location 's3://pg-etl-reviews/parquet/product_category=Beauty/'
partition(product_category='Books')
location 's3://pg-etl-reviews/parquet/product_category=Books/'
partition(product_category='Camera')
location 's3://pg-etl-reviews/parquet/product_category=Camera/'
partition(product_category='Electronics')
location 's3://pg-etl-reviews/parquet/product_category=Electronics/'
partition(product_category='Furniture')
location 's3://pg-etl-reviews/parquet/product_category=Furniture/'
partition(product_category='Grocery')
location 's3://pg-etl-reviews/parquet/product_category=Grocery/'
partition(product_category='Toys')
location 's3://pg-etl-reviews/parquet/product_category=Toys/';

create table public.reviews (
    marketplace varchar(10),
    customer_id varchar(15),
    review_id varchar(15),
    product_id varchar(25) distkey,
    product_parent varchar(15),
    product_title varchar(500),
    star_rating int,
    helpful_votes int,
    total_votes int,
    vine varchar(5),
    verified_purchase varchar(5),
    review_headline varchar(500),
    review_body varchar(max),
    review_date date,
    year int,
    product_category varchar(25)
)
sortkey (review_date);
