"""What makes an optimizer of Paddle's tensors out of a rule.

``interface`` has Paddle's methods, ``updates`` does a step, ``blocks`` make it fast. ``groups`` checks what an
optimizer is given, ``memory`` reads and writes tensors, ``saving`` and ``paddle_format`` know Paddle's files.
"""
