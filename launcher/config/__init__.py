"""The operator's YAML file → one frozen `Config`, or every problem at once, each with file:line and key path.

    load ─ strict_yaml   bytes → a document: plain values, the line of every key; what YAML hides or twists is refused
         ─ models        the keys: types, limits, meaning (values, listen and secrets parse single texts)
         ─ translate     pydantic's errors → our sentences
         ─ checks        whether the parts fit together (clouds_yaml looks into clouds.yaml, accounts asks for user ids)
    schema               the same models as JSON Schema

Secrets and files are read here, once; nothing of this room runs after start-up except on reload.
"""
