-- The report without ALLOWOVERWRITE: it refuses to replace the file that is there.
unload ('select salesid, dateid, buyerid, sum(qtysold) as total_qtysold from public.sales
         group by dateid, salesid, buyerid order by total_qtysold desc')
to 's3://pg-etl-sales/output/'
iam_role default
CSV DELIMITER AS ','
header
parallel off
