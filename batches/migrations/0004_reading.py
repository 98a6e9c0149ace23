from django.db import migrations


class Migration(migrations.Migration):
    """What only reading needs: a batch's parcels in the order of their ids, folded ones too, and the retry parcels that
    hold a message. None of these columns ever changes."""

    dependencies = [("batches", "0003_account_receipts")]
    operations = [
        migrations.RunSQL(
            "create index parcels_of_batch on batches_parcel (batch_id, id); "
            "create index retries_by_base on batches_parcel (base) where base <> id",
            "drop index retries_by_base; drop index parcels_of_batch",
        )
    ]
