-- Ticket sales in S3, pipe-delimited text, a folder a month. Only the months registered below are read.
-- A partition's value is the one registered here: 2008-01-01, though its folder says saledate=2008-01.
drop table if exists lake.sales_part;
drop schema if exists lake;
drop table if exists public.sales;

create external schema lake
from data catalog
database 'sales'
iam_role default
create external database if not exists;

create external table lake.sales_part (
    salesid integer,
    listid integer,
    sellerid integer,
    buyerid integer,
    eventid integer,
    dateid smallint,
    qtysold smallint,
    pricepaid decimal(8,2),
    commission decimal(8,2),
    saletime timestamp
)
partitioned by (saledate date)
row format delimited
fields terminated by '|'
stored as textfile
location 's3://pg-etl-sales/tickit/'
table properties ('numRows'='170000');

alter table lake.sales_part add if not exists partition (saledate='2008-01-01')
location 's3://pg-etl-sales/tickit/saledate=2008-01/';
alter table lake.sales_part add if not exists partition (saledate='2008-03-01')
location 's3://pg-etl-sales/tickit/saledate=2008-03/';
alter table lake.sales_part add if not exists partition (saledate='2008-04-01')
location 's3://pg-etl-sales/tickit/saledate=2008-04/';

create table public.sales (
    salesid integer distkey,
    listid integer,
    sellerid integer,
    buyerid integer,
    eventid integer,
    dateid smallint,
    qtysold smallint,
    pricepaid decimal(8,2),
    commission decimal(8,2),
    saletime timestamp,
    saledate varchar(10)
)
sortkey (saledate);
