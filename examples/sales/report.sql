-- One file, output/000: a header and a line a sale, the largest first.
unload ('select salesid, dateid, buyerid, sum(qtysold) as total_qtysold from public.sales
         group by dateid, salesid, buyerid order by total_qtysold desc')
to 's3://pg-etl-sales/output/'
iam_role default
allowoverwrite
CSV DELIMITER AS ','
header
parallel off;
