"""Alembic's entry: runs the migrations inside the transaction that `Database.open` began."""

from alembic import context

from syncline.store.database import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
context.run_migrations()
