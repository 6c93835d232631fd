-- The large sales of the registered months: 91 rows of 23,089.
truncate table public.sales;

insert into public.sales
select salesid, listid, sellerid, buyerid, eventid, dateid, qtysold, pricepaid, commission, saletime, saledate
from lake.sales_part
where qtysold >= 5
