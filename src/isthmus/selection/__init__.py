"""Which works, which country, and what is put right in them: tables that questions share."""
