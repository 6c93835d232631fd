-- The registered categories, whole.
truncate table public.reviews;

insert into public.reviews
select marketplace, customer_id, review_id, product_id, product_parent, product_title, star_rating, helpful_votes,
       total_votes, vine, verified_purchase, review_headline, review_body, review_date, year, product_category
from lake_reviews.reviews
